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
    const { v1, clock, random } = subject;
    const dek = random.bytes(seedLength);
    const cipher = await v1.encrypt(dek);
    const findings = new Findings();
    // Some before they are sent, some on their way, some while the plugin works on them.
    const cancelled = Array.from({ length: 60 }, async (_, index) => {
      const giveUp = new AbortController();
      const afterMs = index % 5;
      const options = { signal: giveUp.signal, ...(index % 2 === 0 ? {} : { timeoutMs: afterMs + 1 }) };
      const call: Promise<unknown> = index % 3 === 0 ? v1.encrypt(dek, options) : v1.decrypt(cipher, options);
      const ended = attempt(call, subject);
      if (index % 2 === 0) {
        if (afterMs > 0) await clock.sleep(afterMs, subject.signal);
        giveUp.abort();
      }
      await ended;
    });
    await Promise.all(cancelled);
    for (let round = 0; round < 5 && !findings.hasFailed; round++) await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
