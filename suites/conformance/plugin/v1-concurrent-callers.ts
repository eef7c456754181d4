import { type Check, Findings } from "../check.ts";
import { attempt, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

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
    const deks = Array.from({ length: 64 }, () => subject.random.bytes(seedLength));
    const sealed = await Promise.all(deks.map((dek) => attempt(subject.v1.encrypt(dek), subject)));
    const opened = await Promise.all(
      sealed.map(async (each) => (each.isAnswered ? await attempt(subject.v1.decrypt(each.answer), subject) : each)),
    );
    const right = opened.filter((each, index) => each.isAnswered && isSame(each.answer, deks[index] ?? new Uint8Array(0))).length;
    const findings = new Findings();
    findings.add(right === 64, {
      sent: "64 Encrypts at once, then 64 Decrypts at once, on one connection",
      received: `${right} of 64 plaintexts came back`,
      expected: "all of them",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
