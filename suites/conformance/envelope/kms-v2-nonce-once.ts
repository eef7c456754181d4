import type { Check } from "../check.ts";
import { judgeOnceOnly } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-nonce-once",
  title: "No two values of KMS v2 under one DEK of the older kind have the same nonce.",
  level: "MUST",
  invariants: ["K2-25"],
  source: "spec encryption-at-rest 2.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: [],
  remedy: "Change the key or the provider and rewrite all values at once: two writes under one nonce give plaintext away.",
  run: (subject) => judgeOnceOnly(subject, { of: "values of KMS v2 with a DEK of the older kind", kind: "kms-v2", what: "nonce" }),
} satisfies Check<EnvelopeSubject>;
