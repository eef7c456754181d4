import type { Check } from "../check.ts";
import { apiToCodec } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-write-identity",
  title: "This project's codec opens what the API server stored with identity, and it is what was written.",
  level: "MUST",
  invariants: ["FR-02"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/identity/identity.go",
  needs: ["configure"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => apiToCodec(subject, "identity"),
} satisfies Check<EnvelopeSubject>;
