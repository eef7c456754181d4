import { annotationsMaxBytes, edekMaxBytes, keyIdMaxBytes } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-limits",
  title: "The limits of KMS v2 are inclusive: at them the API server asks the plugin, which knows no such DEK.",
  level: "MUST",
  invariants: ["K2-16", "K2-17", "K2-18"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 with a keyID of 1024 bytes and an encryptedDEKSource that no plugin made",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, {
            ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")),
            keyId: "k".repeat(keyIdMaxBytes),
            encryptedDekSource: new Uint8Array(16),
          }),
        message: "failed to decrypt DEK",
      },
      {
        what: "a value of KMS v2 with an encryptedDEKSource of 1024 bytes that no plugin made",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, {
            ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")),
            encryptedDekSource: new Uint8Array(edekMaxBytes),
          }),
        message: "failed to decrypt DEK",
      },
      {
        what: "a value of KMS v2 with 32768 bytes of annotations and an encryptedDEKSource that no plugin made",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, {
            ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")),
            annotations: new Map([["a.example", new Uint8Array(annotationsMaxBytes - "a.example".length)]]),
            encryptedDekSource: new Uint8Array(16),
          }),
        message: "failed to decrypt DEK",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
