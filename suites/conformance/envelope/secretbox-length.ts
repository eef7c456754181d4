import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const overheadBytes = 40;

export const check = {
  id: "envelope/secretbox-length",
  title: "A value of secretbox has room for its nonce, its tag and a ciphertext.",
  level: "MUST",
  invariants: ["LP-03"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/secretbox/secretbox.go",
  needs: [],
  remedy:
    "No kube-apiserver writes this, and none can read it: restore the value from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of secretbox",
      part: (value) => value.body("secretbox"),
      fault: ({ length }) => (length > overheadBytes ? undefined : `${length} bytes follow the prefix`),
      expected: "a nonce of 24 bytes, a tag of 16 and a ciphertext",
    }),
} satisfies Check<EnvelopeSubject>;
