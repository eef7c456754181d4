import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt, encrypt, ending, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-cancelled-calls",
  title: "Calls that are cancelled or run out of time do not block later ones.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 2.1: a cancelled API request cancels its Decrypt",
  needs: ["kms-v2"],
  remedy: "Give up what nobody waits for, and release what it holds.",
  async run(subject) {
    const findings = new Findings();
    const sealed = await encrypt(subject.v2, subject.random.bytes(seedLength));
    const cancelled = Array.from({ length: 50 }, async (_, index) => {
      const giveUp = new AbortController();
      const request = { ciphertext: sealed.ciphertext, keyId: sealed.keyId, annotations: sealed.annotations, uid: `cancelled-${index}` };
      const call = attempt(subject.v2.decrypt(request, { signal: giveUp.signal, ...(index % 2 === 0 ? {} : { timeoutMs: 1 }) }), subject);
      if (index % 2 === 0) giveUp.abort();
      await call;
    });
    await Promise.all(cancelled);
    for (let round = 0; round < 5 && !findings.hasFailed; round++) await addStillWorks(subject, findings);
    const status = await attempt(subject.v2.status(), subject);
    findings.add(status.isAnswered, { sent: "Status after 50 calls that were given up", received: ending(status), expected: "an answer" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
