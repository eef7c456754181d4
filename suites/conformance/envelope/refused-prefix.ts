import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-prefix",
  title: "The API server does not read a value whose prefix none of its providers has.",
  level: "MUST",
  invariants: ["FR-06"],
  source: "spec encryption-at-rest 0.4; k8s.io/apiserver pkg/storage/value/transformer.go",
  needs: ["configure"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of a KMS v2 provider that is not configured",
        seal: () => Buffer.from("k8s:enc:kms:v2:nobody:body"),
        message: "no matching prefix found",
      },
      {
        what: "a value of a scheme that nobody has",
        seal: () => Buffer.from("k8s:enc:unheard-of:v1:key1:body"),
        message: "no matching prefix found",
      },
      {
        what: "a value of an aesgcm key that is not configured",
        seal: () => Buffer.from("k8s:enc:aesgcm:v1:nobody:body"),
        message: "no matching key was found for the provided AES transformer",
      },
      {
        what: "a value of a secretbox key that is not configured",
        seal: () => Buffer.from("k8s:enc:secretbox:v1:nobody:body"),
        message: "no matching key was found for the provided Secretbox transformer",
      },
    ]),
} satisfies Check<EnvelopeSubject>;
