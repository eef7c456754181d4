import type { Check } from "../check.ts";
import { judgeOpened } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const seedBytes = 32;

export const check = {
  id: "envelope/kms-v2-seed-size",
  title: "The DEK or seed of a KMS v2 value has 32 bytes.",
  level: "MUST",
  invariants: ["K2-03", "K2-06"],
  source: "spec encryption-at-rest 2.3; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["keys"],
  remedy: "kube-apiserver writes with 32 bytes alone, and refuses a shorter seed: find out who wrote this value.",
  run: (subject) =>
    judgeOpened(subject, {
      of: "values of KMS v2",
      part: ({ value, unlocked: { dek } }) => (value.kind === "kms-v2" ? dek : undefined),
      fault: ({ length }) => (length === seedBytes ? undefined : `its DEK or seed has ${length} bytes`),
      expected: "32 bytes",
    }),
} satisfies Check<EnvelopeSubject>;
