import { validateAnnotations } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { faultOf, judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const nothing = new Uint8Array(0);

export const check = {
  id: "envelope/kms-v2-annotation-names",
  title: "The keys of the annotations in a KMS v2 value are domain names.",
  level: "MUST",
  invariants: ["K2-01", "K2-28"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: [],
  remedy:
    "kube-apiserver refuses to read such a value, and writes none: restore it from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v2 with annotations",
      part: ({ kmsV2 }) => (kmsV2 !== undefined && kmsV2.annotations.size > 0 ? kmsV2.annotations : undefined),
      // The lengths of the values are another check's.
      fault: (annotations) =>
        [...annotations.keys()]
          .map((key) => faultOf(() => validateAnnotations(new Map([[key, nothing]]))))
          .find((text) => text !== undefined),
      expected: "names of at least two labels with dots between them, as version.kms.example.com",
    }),
} satisfies Check<EnvelopeSubject>;
