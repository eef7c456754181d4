import { annotationsMaxBytes } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV2Object, storedKmsV2 } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-annotations",
  title: "The API server does not read a value of KMS v2 whose annotations break a limit.",
  level: "MUST",
  invariants: ["K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 with an annotation of one label",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), annotations: named("panda") }),
        message:
          'failed to validate annotations: annotations: Invalid value: "panda": should be a domain with at least two segments separated by dots',
      },
      {
        what: "a value of KMS v2 with an annotation in capitals",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), annotations: named("Panda.example") }),
        message: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters",
      },
      {
        what: "a value of KMS v2 with an annotation without a name",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, { ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")), annotations: named("") }),
        message: "failed to validate annotations: annotations: Required value",
      },
      {
        what: "a value of KMS v2 with 32769 bytes of annotations",
        seal: async (keys, sealed) =>
          storedKmsV2(keys, {
            ...(await kmsV2Object(keys, sealed, "hkdfSha256XnonceAesGcmSeed")),
            annotations: named("a.example", annotationsMaxBytes + 1 - "a.example".length),
          }),
        message: "failed to validate annotations: total size of annotations is 32769, which exceeds the max size of 32768",
      },
    ]),
} satisfies Check<EnvelopeSubject>;

function named(name: string, valueBytes = 1): ReadonlyMap<string, Uint8Array> {
  return new Map([[name, new Uint8Array(valueBytes)]]);
}
