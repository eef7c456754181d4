import { type Check, Findings } from "../check.ts";
import { attempt, deadlineMs, decrypt, encrypt, ending, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-under-load",
  title: "Status answers within the deadline while Encrypt and Decrypt are busy.",
  level: "MUST",
  invariants: ["K2-07"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2"],
  remedy: "Let Status answer from what is known, not from a queue behind other calls.",
  async run(subject) {
    const findings = new Findings();
    const sealed = await encrypt(subject.v2, subject.random.bytes(seedLength));
    let isOver = false;
    const work = async () => {
      while (!isOver) await attempt(decrypt(subject.v2, sealed), subject);
    };
    const load = Array.from({ length: 32 }, work);
    let worstMs = 0;
    for (let poll = 0; poll < 20; poll++) {
      const result = await attempt(subject.v2.status(), subject);
      worstMs = Math.max(worstMs, result.ms);
      if (!result.isAnswered) {
        findings.add(false, { sent: "Status beside 32 Decrypts", received: ending(result), expected: `an answer within ${deadlineMs} ms` });
        break;
      }
    }
    isOver = true;
    await Promise.all(load);
    findings.add(worstMs < deadlineMs, {
      sent: "20 Status beside 32 Decrypts",
      received: `answers within ${Math.round(worstMs)} ms`,
      expected: `within ${deadlineMs} ms`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
