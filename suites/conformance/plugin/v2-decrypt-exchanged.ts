import { type Check, Findings } from "../check.ts";
import { addRefused, addStillWorks, exchangedHalves, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-exchanged",
  title: "Decrypt refuses the halves of two ciphertexts put together, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299: only what Encrypt gave may be decrypted; an answer to anything else becomes the seed that objects are read with",
  needs: ["kms-v2"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await openedSeed(subject);
    if ("verdict" in made) return made;
    const { sealed } = made;
    const another = await openedSeed(subject);
    if ("verdict" in another) return another;
    const other = another.sealed;
    const findings = new Findings();
    await addRefused(subject, findings, "the first half of one ciphertext and the second of another", sealed, {
      ciphertext: exchangedHalves(sealed.ciphertext, other.ciphertext),
    });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
