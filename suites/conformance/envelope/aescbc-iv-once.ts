import type { Check } from "../check.ts";
import { judgeOnceOnly } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/aescbc-iv-once",
  title: "No two values of aescbc have the same IV.",
  level: "MUST",
  invariants: ["LP-01"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: [],
  remedy: "Change the key or the provider and rewrite all values at once: two writes under one nonce give plaintext away.",
  run: (subject) => judgeOnceOnly(subject, { of: "values of aescbc", kind: "aescbc", what: "IV" }),
} satisfies Check<EnvelopeSubject>;
