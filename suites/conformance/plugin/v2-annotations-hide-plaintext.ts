import { type Check, Findings, notApplicable } from "../check.ts";
import { encrypt, formIn, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-annotations-hide-plaintext",
  title: "No annotation holds the plaintext.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "KEP-3299: annotations are stored in plain text beside the ciphertext",
  needs: ["kms-v2"],
  remedy: "Keep the plaintext out of the annotations.",
  async run(subject) {
    const seed = subject.random.bytes(seedLength);
    const { annotations } = await encrypt(subject.v2, seed);
    if (annotations.size === 0) return notApplicable("The plugin gives no annotations.");
    const findings = new Findings();
    for (const [key, value] of annotations) {
      const form = formIn(value, seed) ?? formIn(Buffer.from(key), seed);
      findings.add(form === undefined, {
        sent: "Encrypt of 32 bytes",
        received: `the annotation ${key} ${form === undefined ? "without them" : `that holds them ${form}`}`,
        expected: "no annotation with them",
      });
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
