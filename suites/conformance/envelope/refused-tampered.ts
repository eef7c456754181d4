import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV1Envelope, kmsV2Object, storedKmsV1, storedKmsV2, storedLocal } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-tampered",
  title: "The API server does not read a value of aesgcm, secretbox or a KMS of which the tag is not right.",
  level: "MUST",
  invariants: ["LP-04"],
  source: "spec encryption-at-rest 1.2, 2.3 and 3; k8s.io/apiserver pkg/storage/value/encrypt/",
  needs: ["configure"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of aesgcm with another tag",
        seal: (keys, sealed) => withOtherByte(storedLocal(keys, "aesgcm", sealed)),
        message: "cipher: message authentication failed",
      },
      {
        what: "a value of secretbox with another last byte",
        seal: (keys, sealed) => withOtherByte(storedLocal(keys, "secretbox", sealed)),
        message: "output array was not large enough for encryption",
      },
      {
        what: "a value of KMS v1 with another tag",
        need: "kms-v1",
        seal: async (keys, sealed) => withOtherByte(storedKmsV1(keys, await kmsV1Envelope(keys, sealed))),
        message: "[cipher: message authentication failed, the stored data is not a multiple of the block size]",
      },
      {
        what: "a value of KMS v2 with another tag",
        need: "kms-v2",
        seal: async (keys, sealed) => {
          const object = await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed");
          return storedKmsV2(keys, { ...object, encryptedData: withOtherByte(object.encryptedData) });
        },
        message: "cipher: message authentication failed",
      },
    ]),
} satisfies Check<EnvelopeSubject>;

/** The last byte of an authenticated value is one of its tag, or of what the tag covers. */
function withOtherByte(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
  return other;
}
