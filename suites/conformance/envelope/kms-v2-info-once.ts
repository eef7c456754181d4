import type { Check } from "../check.ts";
import { judgeOnceOnly } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-info-once",
  title: "No two values of KMS v2 under one seed have the same info, so that no key occurs twice.",
  level: "MUST",
  invariants: ["K2-04"],
  source: "spec encryption-at-rest 2.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes_extended_nonce.go",
  needs: [],
  remedy: "Change the key or the provider and rewrite all values at once: two writes under one nonce give plaintext away.",
  run: (subject) => judgeOnceOnly(subject, { of: "values of KMS v2", kind: "kms-v2", what: "info" }),
} satisfies Check<EnvelopeSubject>;
