import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/prefix",
  title: "Every encrypted value begins with a prefix that kube-apiserver knows, and the name of a provider or key.",
  level: "MUST",
  invariants: ["FR-01", "FR-06"],
  source: "spec encryption-at-rest 0.1 and 0.4; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: [],
  remedy: "No kube-apiserver can read such a value: restore it from a backup, or delete the object with --ignore-read-errors.",
  run: (subject) =>
    judgeValues(subject, {
      of: "encrypted values",
      part: (value) => (value.split?.kind === "identity" ? undefined : value),
      fault: ({ prefixFault }) => prefixFault,
      expected: "k8s:enc:, a scheme of kube-apiserver, and a name between two colons",
    }),
} satisfies Check<EnvelopeSubject>;
