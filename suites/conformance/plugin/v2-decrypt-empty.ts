import { type Check, Findings } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-empty",
  title: "Decrypt refuses an empty ciphertext, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299: only what Encrypt gave may be decrypted; an answer to anything else becomes the seed that objects are read with",
  needs: ["kms-v2"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await openedSeed(subject);
    if ("verdict" in made) return made;
    const { sealed } = made;
    const findings = new Findings();
    await addRefused(subject, findings, "an empty ciphertext", sealed, { ciphertext: new Uint8Array(0) });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
