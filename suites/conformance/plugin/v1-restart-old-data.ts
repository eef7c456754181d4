import { type Check, Findings } from "../check.ts";
import { addOpensV1, addStillWorksV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-restart-old-data",
  title: "What was encrypted before a restart of the plugin can be decrypted after it.",
  level: "MUST",
  invariants: ["K1-08"],
  source:
    "spec encryption-at-rest 7: a restart of an API server decrypts every DEK; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1", "restart"],
  remedy: "Keep keys outside of the plugin's memory.",
  async run(subject) {
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    await subject.restart();
    const findings = new Findings();
    await addOpensV1(subject, findings, "from before the restart", made);
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
