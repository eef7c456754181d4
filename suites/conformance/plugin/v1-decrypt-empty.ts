import { type Check, Findings } from "../check.ts";
import { addRefusedV1, authenticitySource, openedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-empty",
  title: "Decrypt refuses an empty ciphertext, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: authenticitySource,
  needs: ["kms-v1"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await openedDek(subject);
    if ("verdict" in made) return made;
    const { cipher } = made;
    const findings = new Findings();
    await addRefusedV1(subject, findings, [{ what: "an empty ciphertext", cipher: cipher.slice(0, 0) }]);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
