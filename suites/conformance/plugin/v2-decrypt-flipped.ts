import { type Check, Findings } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-flipped",
  title: "Decrypt refuses a ciphertext with one bit changed, at every byte, and the plugin goes on working.",
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
    for (let at = 0; at < sealed.ciphertext.length; at++) {
      const ciphertext = Uint8Array.from(sealed.ciphertext, (byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
      if (!(await addRefused(subject, findings, `a ciphertext with bit ${at % 8} of byte ${at} changed`, sealed, { ciphertext }))) break;
    }
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
