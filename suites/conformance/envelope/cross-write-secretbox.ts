import type { Check } from "../check.ts";
import { apiToCodec } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-write-secretbox",
  title: "This project's codec opens what the API server stored with secretbox, and it is what was written.",
  level: "MUST",
  invariants: ["LP-03"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/secretbox/secretbox.go",
  needs: ["configure"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => apiToCodec(subject, "secretbox"),
} satisfies Check<EnvelopeSubject>;
