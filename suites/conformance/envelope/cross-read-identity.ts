import type { Check } from "../check.ts";
import { codecToApi } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-read-identity",
  title: "The API server reads what this project's codec sealed as identity.",
  level: "MUST",
  invariants: ["FR-07"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/identity/identity.go",
  needs: ["configure"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => codecToApi(subject, { what: "identity", seal: (_keys, { plaintext }) => plaintext }),
} satisfies Check<EnvelopeSubject>;
