import { type Check, Findings, inconclusive } from "../check.ts";
import { addOpens, rotated, sealedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const rotations = 3;

export const check = {
  id: "plugin/v2-rotate-oldest-data",
  title: "What was encrypted three rotations ago can still be decrypted.",
  level: "MUST",
  invariants: ["K2-23"],
  source:
    "KEP-3299: objects of older keys stay in etcd until they are migrated; spec encryption-at-rest 2.5: kube-apiserver migrates nothing",
  needs: ["kms-v2", "rotate"],
  remedy: "Keep every key version until no stored object names its key_id any more.",
  async run(subject) {
    const made = await sealedSeed(subject);
    if ("verdict" in made) return made;
    for (let rotation = 0; rotation < rotations; rotation++) {
      if ((await rotated(subject)) === undefined)
        return inconclusive("Status names the same key_id 20 s after the rotation; another check says so.");
    }
    const findings = new Findings();
    await addOpens(subject, findings, `from ${rotations} rotations ago, with its key_id`, made);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
