import type { Check } from "../check.ts";
import { judgeOnceOnly } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v1-edek-once",
  title: "No two values of KMS v1 have the same encrypted DEK.",
  level: "MUST",
  invariants: ["K1-02"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: [],
  remedy: "Change the key or the provider and rewrite all values at once: two writes under one nonce give plaintext away.",
  run: (subject) => judgeOnceOnly(subject, { of: "values of KMS v1", kind: "kms-v1", what: "encrypted DEK" }),
} satisfies Check<EnvelopeSubject>;
