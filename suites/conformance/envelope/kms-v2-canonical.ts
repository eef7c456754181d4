import { decodeEncryptedObject, encodeEncryptedObject } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-canonical",
  title: "The protobuf of a KMS v2 value has its fields in order, each once, and no unknown one.",
  level: "SHOULD",
  invariants: ["K2-01"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/v2/api.proto",
  needs: [],
  remedy: "kube-apiserver reads such a value and writes none: find out who else writes to this etcd, or which newer version did.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v2",
      part: (value) => (value.kmsV2 === undefined ? undefined : value.body("kms-v2")),
      // The order of the annotations is free: they are encoded in the order in which they were found.
      fault: (body) =>
        Buffer.from(encodeEncryptedObject(decodeEncryptedObject(body))).equals(body)
          ? undefined
          : "written anew, its protobuf has other bytes",
      expected: "the bytes that Go's protobuf library writes",
    }),
} satisfies Check<EnvelopeSubject>;
