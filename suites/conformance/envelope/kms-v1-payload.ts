import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const overheadBytes = 28;

export const check = {
  id: "envelope/kms-v1-payload",
  title: "Behind the encrypted DEK of a KMS v1 value there is room for a nonce, a tag and a ciphertext.",
  level: "MUST",
  invariants: ["K1-07"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: [],
  remedy:
    "No kube-apiserver writes this, and none can read it: restore the value from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v1",
      part: ({ kmsV1 }) => kmsV1?.payload,
      fault: ({ length }) => (length > overheadBytes ? undefined : `${length} bytes follow the encrypted DEK`),
      expected: "a nonce of 12 bytes, a ciphertext and a tag of 16",
    }),
} satisfies Check<EnvelopeSubject>;
