import { type Check, Findings } from "../check.ts";
import { attempt, seedLength } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-cancelled-calls",
  title: "Calls that are cancelled or run out of time do not block later ones.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 1.1: calls end at their deadline, whatever the plugin does",
  needs: ["kms-v1"],
  remedy: "Give up what nobody waits for, and release what it holds.",
  async run(subject) {
    const findings = new Findings();
    const cipher = await subject.v1.encrypt(subject.random.bytes(seedLength));
    const cancelled = Array.from({ length: 50 }, async (_, index) => {
      const giveUp = new AbortController();
      const call = attempt(subject.v1.decrypt(cipher, { signal: giveUp.signal, ...(index % 2 === 0 ? {} : { timeoutMs: 1 }) }), subject);
      if (index % 2 === 0) giveUp.abort();
      await call;
    });
    await Promise.all(cancelled);
    for (let round = 0; round < 5 && !findings.hasFailed; round++) await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
