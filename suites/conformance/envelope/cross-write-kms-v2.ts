import type { Check } from "../check.ts";
import { apiToCodec } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-write-kms-v2",
  title: "This project's codec opens what the API server stored with KMS v2, and it is what was written.",
  level: "MUST",
  invariants: ["K2-01", "K2-03", "AAD-03"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "kms-v2"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => apiToCodec(subject, "kms-v2"),
} satisfies Check<EnvelopeSubject>;
