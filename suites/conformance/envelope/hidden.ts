import { decodeSecret, EnvelopeError } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeOpened } from "../envelope-rules.ts";
import { longValues, showsPlaintext } from "../envelope-secret.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/hidden",
  title: "No value of a Secret stands in plain text in what is stored of it.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "KEP-3299, motivation",
  needs: ["keys"],
  remedy: "Something beside the ciphertext shows what is secret, as an annotation of the plugin: mend it, and replace what was shown.",
  run: (subject) =>
    judgeOpened(subject, {
      of: "Secrets with values of at least 12 bytes",
      part: ({ plaintext }) => valuesOf(plaintext),
      fault: (values, { bytes }) => (showsPlaintext(bytes, values) ? "a value of the Secret stands in it" : undefined),
      expected: "none of the Secret's values",
    }),
} satisfies Check<EnvelopeSubject>;

/** Undefined for what is no Secret, or one of which nothing is long enough to be looked for. */
function valuesOf(plaintext: Uint8Array): Uint8Array[] | undefined {
  try {
    const values = longValues(decodeSecret(plaintext).data.values());
    return values.length === 0 ? undefined : values;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return undefined;
    throw thrown;
  }
}
