import { type Check, Findings } from "../check.ts";
import { attempt, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const callers = 64;
/** The first calls of all come at the same moment; from then on Encrypts and Decrypts meet. */
const rounds = 3;

export const check = {
  id: "plugin/v1-concurrent-callers",
  title: "64 callers at once each get their own answer back.",
  level: "MUST",
  invariants: [],
  source:
    "spec encryption-at-rest 1.3: concurrent misses each call Decrypt; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1"],
  remedy: "Share nothing between calls without a lock.",
  async run(subject) {
    const faults = new Map<string, number>();
    const count = (fault: string) => faults.set(fault, (faults.get(fault) ?? 0) + 1);
    const caller = async () => {
      for (let round = 0; round < rounds; round++) {
        const dek = subject.random.bytes(seedLength);
        const sealed = await attempt(subject.v1.encrypt(dek), subject);
        const opened = sealed.isAnswered ? await attempt(subject.v1.decrypt(sealed.answer), subject) : sealed;
        if (!opened.isAnswered) count(opened.code);
        else if (!isSame(opened.answer, dek)) count("another plaintext");
        else continue;
        return;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    const findings = new Findings();
    const told = [...faults].map(([fault, times]) => `${fault} ${times} times`).join(", ");
    findings.add(faults.size === 0, {
      sent: `Encrypt and Decrypt of what it gave, ${rounds} times by each of ${callers} callers at once, on one connection`,
      received: told === "" ? "every plaintext" : told,
      expected: "every plaintext",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
