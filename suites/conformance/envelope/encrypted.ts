import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/encrypted",
  title: "No value lies in etcd in plain text.",
  level: "MUST",
  invariants: ["FR-08"],
  source:
    "KEP-3299, motivation; spec encryption-at-rest 0.1 and 3: a value without a prefix was stored by identity, and where the configuration has no identity the API server cannot read it",
  needs: [],
  remedy:
    "Write these objects anew with an encrypting provider in front (`kubectl get secrets -A -o json | kubectl replace -f -`), and what they held anew, too: old revisions and backups still show it.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values",
      part: ({ split }) => split?.kind,
      fault: (kind) => (kind === "identity" ? "it has no provider's prefix: it is plain text" : undefined),
      expected: "a provider's prefix and a ciphertext",
    }),
} satisfies Check<EnvelopeSubject>;
