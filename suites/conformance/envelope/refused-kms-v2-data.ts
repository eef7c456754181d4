import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2, storedKmsV2Body } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-data",
  title: "The API server does not read a value of KMS v2 whose encryptedData is empty or too short.",
  level: "MUST",
  invariants: ["K2-03", "K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 without encryptedData",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), encryptedData: new Uint8Array(0) }),
        message: "encrypted data is empty",
      },
      {
        what: "a value of KMS v2 without a body",
        seal: (keys) => storedKmsV2Body(keys, new Uint8Array(0)),
        message: "encrypted data is empty",
      },
      {
        what: "a value of KMS v2 with 31 bytes of encryptedData",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), encryptedData: new Uint8Array(31) }),
        message: "the stored data was shorter than the required size",
      },
      {
        what: "a value of KMS v2 with 43 bytes of encryptedData",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), encryptedData: new Uint8Array(43) }),
        message: "the stored data was shorter than the required size",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
