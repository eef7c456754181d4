import { decodeEncryptedObject } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { faultOf, judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-protobuf",
  title: "The body of a KMS v2 value is a well-formed EncryptedObject.",
  level: "MUST",
  invariants: ["K2-01", "K2-28"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: [],
  remedy:
    "kube-apiserver refuses to read such a value, and writes none: restore it from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v2",
      part: (value) => value.body("kms-v2"),
      fault: (body) => faultOf(() => decodeEncryptedObject(body)),
      expected: "a protobuf of the message EncryptedObject, its texts in UTF-8",
    }),
} satisfies Check<EnvelopeSubject>;
