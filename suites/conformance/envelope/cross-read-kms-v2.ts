import type { Check } from "../check.ts";
import { codecToApi } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-read-kms-v2",
  title: "The API server reads what this project's codec sealed as KMS v2 with a seed.",
  level: "MUST",
  invariants: ["K2-01", "K2-03"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) =>
    codecToApi(subject, {
      what: "KMS v2 with a seed",
      seal: async (keys, sealed) => storedKmsV2(keys, await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")),
    }),
} satisfies Check<EnvelopeSubject>;
