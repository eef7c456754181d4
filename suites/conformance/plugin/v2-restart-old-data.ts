import { type Check, Findings } from "../check.ts";
import { addOpens, addStillWorks, sealedSeed } from "../plugin-calls.ts";
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
    await subject.restart();
    const findings = new Findings();
    await addOpens(subject, findings, "from before the restart", made);
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
