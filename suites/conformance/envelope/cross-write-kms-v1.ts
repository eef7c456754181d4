import type { Check } from "../check.ts";
import { apiToCodec } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-write-kms-v1",
  title: "This project's codec opens what the API server stored with KMS v1, and it is what was written.",
  level: "MUST",
  invariants: ["K1-01", "K1-07", "AAD-03"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure", "kms-v1"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => apiToCodec(subject, "kms-v1"),
} satisfies Check<EnvelopeSubject>;
