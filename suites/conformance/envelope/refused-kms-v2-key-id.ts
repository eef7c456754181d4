import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-key-id",
  title: "The API server does not read a value of KMS v2 whose key_id is empty or longer than 1024 bytes.",
  level: "MUST",
  invariants: ["K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 with an empty keyID",
        seal: async (keys, sealed) => storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), keyId: "" }),
        message: "failed to validate key id: keyID is empty",
      },
      {
        what: "a value of KMS v2 with a keyID of 1025 bytes",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), keyId: "k".repeat(1025) }),
        message: "failed to validate key id: keyID is 1025 bytes, which exceeds the max size of 1024",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
