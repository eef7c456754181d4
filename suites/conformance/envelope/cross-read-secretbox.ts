import type { Check } from "../check.ts";
import { codecToApi } from "../envelope-cross-read.ts";
import { storedLocal } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-read-secretbox",
  title: "The API server reads what this project's codec sealed as secretbox.",
  level: "MUST",
  invariants: ["LP-03"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/secretbox/secretbox.go",
  needs: ["configure"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => codecToApi(subject, { what: "secretbox", seal: (keys, sealed) => storedLocal(keys, "secretbox", sealed) }),
} satisfies Check<EnvelopeSubject>;
