import { validateDekSourceType } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { faultOf, judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-dek-source",
  title: "The encryptedDEKSourceType of a KMS v2 value is one that kube-apiserver knows.",
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
      fault: ({ encryptedDekSourceType }) => faultOf(() => validateDekSourceType(encryptedDekSourceType)),
      expected: "0 (AES_GCM_KEY) or 1 (HKDF_SHA256_XNONCE_AES_GCM_SEED)",
    }),
} satisfies Check<EnvelopeSubject>;
