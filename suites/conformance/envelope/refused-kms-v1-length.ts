import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { kmsV1Envelope, storedKmsV1Body } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const lengthPrefix = "failed to read uint16 length prefixed data";

export const check = {
  id: "envelope/refused-kms-v1-length",
  title: "The API server does not read a value of KMS v1 whose length prefix says more than there is.",
  level: "MUST",
  invariants: ["K1-01"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure", "kms-v1"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v1 that says it has one byte more of encrypted DEK than follow",
        seal: (keys) => storedKmsV1Body(keys, Uint8Array.of(0, 5, 1, 2, 3, 4)),
        message: lengthPrefix,
      },
      {
        what: "a value of KMS v1 that says it has 65535 bytes of encrypted DEK",
        seal: async (keys, sealed) => {
          const { edek, payload } = await kmsV1Envelope(keys, sealed);
          return storedKmsV1Body(keys, Buffer.concat([Uint8Array.of(0xff, 0xff), edek, payload]));
        },
        message: lengthPrefix,
      },
      {
        what: "a value of KMS v1 that ends in its length prefix",
        seal: (keys) => storedKmsV1Body(keys, Uint8Array.of(0)),
        message: lengthPrefix,
      },
    ]),
} satisfies Check<EnvelopeSubject>;
