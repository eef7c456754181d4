import { type Check, Findings } from "../check.ts";
import { addOpensV1, rotateV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const rotations = 3;

export const check = {
  id: "plugin/v1-rotate-oldest-data",
  title: "What was encrypted three rotations ago can still be decrypted.",
  level: "MUST",
  invariants: ["K1-08"],
  source:
    "spec encryption-at-rest 1.6: kube-apiserver cannot see a rotation and rewrites nothing for it, so a key is needed for as long as its oldest object; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1", "rotate"],
  remedy: "Keep every key version until all objects are known to have been rewritten.",
  async run(subject) {
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    for (let rotation = 0; rotation < rotations; rotation++) {
      const unrotated = await rotateV1(subject);
      if (unrotated !== undefined) return unrotated;
    }
    const findings = new Findings();
    await addOpensV1(subject, findings, `from ${rotations} rotations ago`, made);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
