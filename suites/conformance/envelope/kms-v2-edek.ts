import { validateEdek } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { faultOf, judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-edek",
  title: "The encrypted DEK source in a KMS v2 value has 1 to 1024 bytes.",
  level: "MUST",
  invariants: ["K2-01", "K2-28"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: [],
  remedy:
    "kube-apiserver refuses to read such a value, and writes none: restore it from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v2",
      part: ({ kmsV2 }) => kmsV2,
      fault: ({ encryptedDekSource }) => faultOf(() => validateEdek(encryptedDekSource)),
      expected: "an encryptedDEKSource of 1 to 1024 bytes",
    }),
} satisfies Check<EnvelopeSubject>;
