import { type Check, Findings, inconclusive } from "../check.ts";
import { addOpens, addStillWorks, rotated, sealedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-rotate-old-data",
  title: "What was encrypted before a rotation can be decrypted after it.",
  level: "MUST",
  invariants: ["K2-23"],
  source: "KEP-3299: objects of older keys stay in etcd until they are migrated",
  needs: ["kms-v2", "rotate"],
  remedy: "Keep old key versions for decryption.",
  async run(subject) {
    const made = await sealedSeed(subject);
    if ("verdict" in made) return made;
    if ((await rotated(subject)) === undefined)
      return inconclusive("Status names the same key_id 20 s after the rotation; another check says so.");
    const findings = new Findings();
    await addOpens(subject, findings, "from before the rotation, with its key_id", made);
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
