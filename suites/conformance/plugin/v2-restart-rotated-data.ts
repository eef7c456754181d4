import { type Check, Findings, inconclusive } from "../check.ts";
import { addOpens, attempt, rotated, sealedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-restart-rotated-data",
  title: "A restart behind a rotation loses neither the old key nor the new one, and keeps the new key_id.",
  level: "MUST",
  invariants: ["K2-10", "K2-20", "K2-23"],
  source: "KEP-3299: seeds are decrypted for as long as objects use them",
  needs: ["kms-v2", "rotate", "restart"],
  remedy: "Write a new key version down before the first Encrypt with it.",
  async run(subject) {
    const old = await sealedSeed(subject);
    if ("verdict" in old) return old;
    const change = await rotated(subject);
    if (change === undefined) return inconclusive("Status names the same key_id 20 s after the rotation; another check says so.");
    const fresh = await sealedSeed(subject);
    if ("verdict" in fresh) return fresh;
    await subject.restart();
    const findings = new Findings();
    await addOpens(subject, findings, "from before the rotation", old);
    await addOpens(subject, findings, "from between the rotation and the restart", fresh);
    const status = await attempt(subject.v2.status(), subject);
    findings.add(status.isAnswered && status.answer.keyId === change.after, {
      sent: "Status after the restart",
      received: !status.isAnswered ? status.message : status.answer.keyId === change.after ? "the new key_id" : "another key_id",
      expected: "the new key_id",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
