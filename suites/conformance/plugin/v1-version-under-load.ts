import { type Check, Findings } from "../check.ts";
import { attempt, deadlineMs, ending, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-version-under-load",
  title: "Version answers within the deadline while Encrypt and Decrypt are busy.",
  level: "MUST",
  invariants: ["K1-06"],
  source:
    "spec encryption-at-rest 1.1: the first call of a client waits for it; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["kms-v1"],
  remedy: "Let Version answer by itself, not from a queue behind other calls.",
  async run(subject) {
    const findings = new Findings();
    const cipher = await subject.v1.encrypt(subject.random.bytes(seedLength));
    let isOver = false;
    const work = async () => {
      while (!isOver) await attempt(subject.v1.decrypt(cipher), subject);
    };
    const load = Array.from({ length: 32 }, work);
    let worstMs = 0;
    for (let poll = 0; poll < 20; poll++) {
      const result = await attempt(subject.v1.version(), subject);
      worstMs = Math.max(worstMs, result.ms);
      if (!result.isAnswered) {
        findings.add(false, {
          sent: "Version beside 32 Decrypts",
          received: ending(result),
          expected: `an answer within ${deadlineMs} ms`,
        });
        break;
      }
    }
    isOver = true;
    await Promise.all(load);
    findings.add(worstMs < deadlineMs, {
      sent: "20 Version beside 32 Decrypts",
      received: `answers within ${Math.round(worstMs)} ms`,
      expected: `within ${deadlineMs} ms`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
