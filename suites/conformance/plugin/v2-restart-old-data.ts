import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt, comparison, decrypt, isSame, sealedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-restart-old-data",
  title: "What was encrypted before a restart of the plugin can be decrypted after it.",
  level: "MUST",
  invariants: ["K2-20"],
  source: "KEP-3299: seeds are decrypted for as long as objects use them",
  needs: ["kms-v2", "restart"],
  remedy: "Keep keys outside of the plugin's memory.",
  async run(subject) {
    const made = await sealedSeed(subject);
    if ("verdict" in made) return made;
    const { seed, sealed } = made;
    await subject.restart();
    const findings = new Findings();
    const opened = await attempt(decrypt(subject.v2, sealed), subject);
    findings.add(opened.isAnswered && isSame(opened.answer, seed), {
      sent: "Decrypt of a ciphertext from before the restart",
      received: opened.isAnswered ? comparison(seed, opened.answer) : opened.message,
      expected: "the same bytes",
    });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
