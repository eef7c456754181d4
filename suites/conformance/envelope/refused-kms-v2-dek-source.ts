import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-dek-source",
  title: "The API server does not read a value of KMS v2 with an encryptedDEKSourceType that it does not know.",
  level: "MUST",
  invariants: ["K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 with encryptedDEKSourceType 2",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), encryptedDekSourceType: 2 }),
        message: "unknown encryptedDEKSourceType: 2",
      },
      {
        what: "a value of KMS v2 with encryptedDEKSourceType -1",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), encryptedDekSourceType: -1 }),
        message: "unknown encryptedDEKSourceType: -1",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
