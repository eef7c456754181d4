import type { Check } from "../check.ts";
import { codecToApi } from "../envelope-cross-read.ts";
import { storedLocal } from "../envelope-seal.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/cross-read-aescbc",
  title: "The API server reads what this project's codec sealed as aescbc.",
  level: "MUST",
  invariants: ["LP-01"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["configure"],
  remedy:
    "kmsmark and this API server do not agree about the stored form: compare its Kubernetes version with those that kmsmark knows, and report it.",
  run: (subject) => codecToApi(subject, { what: "aescbc", seal: (keys, sealed) => storedLocal(keys, "aescbc", sealed) }),
} satisfies Check<EnvelopeSubject>;
