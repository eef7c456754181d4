import { type Check, Findings } from "../check.ts";
import { attempt, comparison, isSame } from "../plugin-calls.ts";
import { addStillWorksV1, sealedDek } from "../plugin-calls-v1.ts";
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
    const { dek, cipher } = made;
    await subject.restart();
    const findings = new Findings();
    const opened = await attempt(subject.v1.decrypt(cipher), subject);
    findings.add(opened.isAnswered && isSame(opened.answer, dek), {
      sent: "Decrypt of a ciphertext from before the restart",
      received: opened.isAnswered ? comparison(dek, opened.answer) : opened.message,
      expected: "the same bytes",
    });
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
