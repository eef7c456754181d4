import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV1Envelope, kmsV2Object, type SealedAs, storedKmsV1, storedKmsV2, storedLocal } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const notAuthentic = "cipher: message authentication failed";

export const check = {
  id: "envelope/refused-other-key",
  title: "The API server does not read a value of aesgcm or a KMS that was sealed for another key.",
  level: "MUST",
  invariants: ["AAD-01", "AAD-03"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["configure"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of aesgcm that was sealed for another key",
        seal: (keys, sealed) => storedLocal(keys, "aesgcm", elsewhere(sealed)),
        message: notAuthentic,
      },
      {
        what: "a value of KMS v1 that was sealed for another key",
        need: "kms-v1",
        seal: async (keys, sealed) => storedKmsV1(keys, await kmsV1Envelope(keys, elsewhere(sealed))),
        message: notAuthentic,
      },
      {
        what: "a value of KMS v2 that was sealed for another key",
        need: "kms-v2",
        seal: async (keys, sealed) => storedKmsV2(keys, await kmsV2Object(keys, elsewhere(sealed), "hkdfSha256XnonceAesGcmSeed")),
        message: notAuthentic,
      },
      {
        what: "a value of KMS v2 with a DEK of the older kind that was sealed for another key",
        need: "kms-v2",
        seal: async (keys, sealed) => storedKmsV2(keys, await kmsV2Object(keys, elsewhere(sealed), "aesGcmKey")),
        message: notAuthentic,
      },
    ]),
} satisfies Check<EnvelopeSubject>;

function elsewhere({ plaintext, key }: SealedAs): SealedAs {
  return { plaintext, key: `${key}-other` };
}
