import { type Check, Findings } from "../check.ts";
import { attempt, deadlineMs, ending, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const busyCallers = 32;
const polls = 20;

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
    const { v1, random } = subject;
    const dek = random.bytes(seedLength);
    const cipher = await v1.encrypt(dek);
    const findings = new Findings();
    let isOver = false;
    const load = Array.from({ length: busyCallers }, async (_, index) => {
      while (!isOver) await attempt(index % 4 === 0 ? v1.encrypt(dek) : v1.decrypt(cipher), subject);
    });
    try {
      let slowestMs = 0;
      for (let poll = 0; poll < polls && !findings.hasFailed; poll++) {
        const result = await attempt(v1.version(), subject);
        slowestMs = Math.max(slowestMs, result.ms);
        if (!result.isAnswered) {
          findings.add(false, {
            sent: `Version number ${poll + 1} beside ${busyCallers} Encrypts and Decrypts`,
            received: ending(result),
            expected: `an answer within ${deadlineMs} ms`,
          });
        }
      }
      findings.add(slowestMs < deadlineMs, {
        sent: `${polls} Version beside ${busyCallers} Encrypts and Decrypts`,
        received: `answers within ${Math.round(slowestMs)} ms`,
        expected: `within ${deadlineMs} ms`,
      });
    } finally {
      isOver = true;
      await Promise.all(load);
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
