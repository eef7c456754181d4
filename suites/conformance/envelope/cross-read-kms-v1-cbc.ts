import type { Check } from "../check.ts";
import { codecToApi } from "../envelope-cross-read.ts";
import { legacyKmsV1Envelope, storedKmsV1 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-read-kms-v1-cbc",
  title: "The API server reads what this project's codec sealed as KMS v1 in the CBC of Kubernetes 1.24 and before.",
  level: "MUST",
  invariants: ["K1-07"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure", "kms-v1"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) =>
    codecToApi(subject, {
      what: "KMS v1 in the CBC of Kubernetes 1.24 and before",
      seal: async (keys, sealed) => storedKmsV1(keys, await legacyKmsV1Envelope(keys, sealed)),
    }),
} satisfies Check<EnvelopeSubject>;
