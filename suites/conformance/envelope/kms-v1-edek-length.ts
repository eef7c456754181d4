import { parseKmsV1Body } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { faultOf, judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v1-edek-length",
  title: "The encrypted DEK of a KMS v1 value is as long as the two bytes before it say.",
  level: "MUST",
  invariants: ["K1-01"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: [],
  remedy:
    "No kube-apiserver writes this, and none can read it: restore the value from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v1",
      part: (value) => value.body("kms-v1"),
      fault: (body) =>
        faultOf(() => parseKmsV1Body(body)) ?? (parseKmsV1Body(body).edek.length === 0 ? "its encrypted DEK is empty" : undefined),
      expected: "a length in two bytes, big end first, and so many bytes of encrypted DEK",
    }),
} satisfies Check<EnvelopeSubject>;
