import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const overheadBytes = 28;

export const check = {
  id: "envelope/aesgcm-length",
  title: "A value of aesgcm has room for its nonce, its tag and a ciphertext.",
  level: "MUST",
  invariants: ["LP-02"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: [],
  remedy:
    "No kube-apiserver writes this, and none can read it: restore the value from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of aesgcm",
      part: (value) => value.body("aesgcm"),
      fault: ({ length }) => (length > overheadBytes ? undefined : `${length} bytes follow the prefix`),
      expected: "a nonce of 12 bytes, a ciphertext and a tag of 16",
    }),
} satisfies Check<EnvelopeSubject>;
