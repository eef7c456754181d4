import type { Check } from "../check.ts";
import { judgeOpened } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const dekBytes = 32;

export const check = {
  id: "envelope/kms-v1-dek-size",
  title: "The DEK of a KMS v1 value has 32 bytes.",
  level: "MUST",
  invariants: ["K1-02"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["keys"],
  remedy: "kube-apiserver encrypts with AES-256 alone: find out who wrote this value.",
  run: (subject) =>
    judgeOpened(subject, {
      of: "values of KMS v1",
      part: ({ value, unlocked: { dek } }) => (value.kind === "kms-v1" ? dek : undefined),
      fault: ({ length }) => (length === dekBytes ? undefined : `its DEK has ${length} bytes`),
      expected: "a DEK of 32 bytes",
    }),
} satisfies Check<EnvelopeSubject>;
