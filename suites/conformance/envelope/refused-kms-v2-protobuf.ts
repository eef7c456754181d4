import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import { storedKmsV2Body } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-kms-v2-protobuf",
  title: "The API server does not read a value of KMS v2 whose protobuf is malformed.",
  level: "MUST",
  invariants: ["K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of KMS v2 whose last field ends too early",
        seal: (keys) => storedKmsV2Body(keys, Uint8Array.of(0x0a, 0x10, 1, 2, 3)),
        message: "cannot parse invalid wire-format data",
      },
      {
        what: "a value of KMS v2 with a field of number 0",
        seal: (keys) => storedKmsV2Body(keys, Uint8Array.of(0x02, 0x01, 0x00)),
        message: "cannot parse invalid wire-format data",
      },
      {
        what: "a value of KMS v2 whose keyID is not UTF-8",
        seal: (keys) => storedKmsV2Body(keys, Uint8Array.of(0x0a, 0x01, 0x00, 0x12, 0x01, 0xff, 0x1a, 0x01, 0x00)),
        message: "invalid UTF-8",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
