import { annotationsMaxBytes } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-annotation-size",
  title: "The annotations in a KMS v2 value have at most 32768 bytes in total, keys and values.",
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
      fault: ({ annotations }) => {
        const total = [...annotations].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + value.length, 0);
        return total > annotationsMaxBytes ? `total size of annotations is ${total}` : undefined;
      },
      expected: `at most ${annotationsMaxBytes} bytes`,
    }),
} satisfies Check<EnvelopeSubject>;
