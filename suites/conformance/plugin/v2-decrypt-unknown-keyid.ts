import { type Check, Findings } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-unknown-keyid",
  title: "Decrypt refuses a key_id that was never given out, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299: the key_id says which key decrypts",
  needs: ["kms-v2"],
  remedy: "Look the key up by the key_id, and bind it to the ciphertext as authenticated data.",
  async run(subject) {
    const made = await openedSeed(subject);
    if ("verdict" in made) return made;
    const { sealed } = made;
    const findings = new Findings();
    await addRefused(subject, findings, "a key_id that the plugin never named", sealed, {
      keyId: `${sealed.keyId.slice(0, 900)}-never-named`,
    });
    await addRefused(subject, findings, "another key_id of the same length", sealed, {
      keyId: "x".repeat(Math.max(1, sealed.keyId.length)),
    });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
