import { type Check, notApplicable } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/configured",
  title: "Every value begins with the prefix of a provider that the configuration has for it.",
  level: "MUST",
  invariants: ["FR-01", "FR-02", "FR-06"],
  source: "spec encryption-at-rest 0.4 and 0.5; k8s.io/apiserver pkg/storage/value/transformer.go",
  needs: [],
  remedy:
    "Put the provider or key that wrote the value back into the configuration, behind the first one, and migrate before you take it out again.",
  async run(subject) {
    const { readable } = subject;
    if (readable === undefined)
      return notApplicable("No EncryptionConfiguration was given, so that nobody knows what the API server can read.");
    const prefixes = readable.map((prefix) => Buffer.from(prefix));
    const readsPlaintext = readable.includes("");
    return judgeValues(subject, {
      of: "values",
      part: (value) => value,
      fault: ({ split, bytes }) => {
        const isRead =
          split?.kind === "identity"
            ? readsPlaintext
            : prefixes.some((prefix) => prefix.length > 0 && prefix.equals(bytes.subarray(0, prefix.length)));
        return isRead ? undefined : "no provider of the configuration has its prefix";
      },
      expected: `one of ${readable.map((prefix) => (prefix === "" ? "identity" : prefix)).join(", ")}`,
    });
  },
} satisfies Check<EnvelopeSubject>;
