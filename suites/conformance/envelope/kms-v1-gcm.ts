import type { Check } from "../check.ts";
import { judgeOpened } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v1-gcm",
  title: "Values of KMS v1 are encrypted with AES-GCM, as kube-apiserver has written them since 1.25.",
  level: "SHOULD",
  invariants: ["K1-07"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["keys"],
  remedy: "These values are of the CBC of Kubernetes 1.24 and before, which is bound to no key and authenticates nothing: rewrite them.",
  run: (subject) =>
    judgeOpened(subject, {
      of: "values of KMS v1",
      part: (each) => (each.value.kind === "kms-v1" ? each : undefined),
      fault: ({ legacy }) => (legacy ? "it opens as AES-CBC" : undefined),
      expected: "AES-256-GCM",
    }),
} satisfies Check<EnvelopeSubject>;
