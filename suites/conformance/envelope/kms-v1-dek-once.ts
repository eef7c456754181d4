import type { Check } from "../check.ts";
import { judgeUnique, opened } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v1-dek-once",
  title: "No two values of KMS v1 are encrypted with the same DEK.",
  level: "MUST",
  invariants: ["K1-02"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["keys"],
  remedy: "Change the key or the provider and rewrite all values at once: two writes under one nonce give plaintext away.",
  run: (subject) =>
    judgeUnique(subject, {
      of: "values of KMS v1",
      what: "DEK",
      part: opened(({ value, unlocked: { dek } }) => (value.kind === "kms-v1" && dek !== undefined ? [dek] : undefined)),
    }),
} satisfies Check<EnvelopeSubject>;
