import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const blockBytes = 16;

export const check = {
  id: "envelope/aescbc-length",
  title: "A value of aescbc is an IV of 16 bytes and whole blocks of ciphertext.",
  level: "MUST",
  invariants: ["LP-01"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: [],
  remedy:
    "No kube-apiserver writes this, and none can read it: restore the value from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of aescbc",
      part: (value) => value.body("aescbc"),
      fault: ({ length }) => (length >= 2 * blockBytes && length % blockBytes === 0 ? undefined : `${length} bytes follow the prefix`),
      expected: "an IV of 16 bytes and at least one block of 16",
    }),
} satisfies Check<EnvelopeSubject>;
