import { dekSourceTypes } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-seed",
  title: "Values of KMS v2 have a key of their own each, derived from a seed, as kube-apiserver has written them since 1.29.",
  level: "SHOULD",
  invariants: ["K2-02", "K2-25"],
  source: "spec encryption-at-rest 2.2, 2.7 and 2.8; KEP-3299, KMSv2KDF",
  needs: [],
  remedy: "These values are of an API server before 1.29, which counts nonces under one key: rewrite them once all API servers are newer.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v2",
      part: ({ kmsV2 }) => kmsV2,
      fault: ({ encryptedDekSourceType }) =>
        encryptedDekSourceType === dekSourceTypes.aesGcmKey ? "its encryptedDEKSourceType is AES_GCM_KEY" : undefined,
      expected: "HKDF_SHA256_XNONCE_AES_GCM_SEED",
    }),
} satisfies Check<EnvelopeSubject>;
