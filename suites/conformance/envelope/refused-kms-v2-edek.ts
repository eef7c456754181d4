import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-edek",
  title: "The API server does not read a value of KMS v2 whose encrypted DEK source is empty or longer than 1024 bytes.",
  level: "MUST",
  invariants: ["K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 with an empty encryptedDEKSource",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), encryptedDekSource: new Uint8Array(0) }),
        message: "failed to validate encrypted DEK source: encrypted DEK source is empty",
      },
      {
        what: "a value of KMS v2 with an encryptedDEKSource of 1025 bytes",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, {
            ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")),
            encryptedDekSource: new Uint8Array(1025),
          }),
        message: "failed to validate encrypted DEK source: encrypted DEK source is 1025 bytes, which exceeds the max size of 1024",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
