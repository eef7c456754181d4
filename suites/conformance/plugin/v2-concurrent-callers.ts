import { type Check, Findings } from "../check.ts";
import { attempt, decrypt, encrypt, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-concurrent-callers",
  title: "64 callers at once each get their own answer back.",
  level: "MUST",
  invariants: [],
  source: "k8s.io/apiserver calls a plugin from as many goroutines as there are requests; spec encryption-at-rest 2.6, 7",
  needs: ["kms-v2"],
  remedy: "Share nothing between calls without a lock.",
  async run(subject) {
    const seeds = Array.from({ length: 64 }, () => subject.random.bytes(seedLength));
    const sealed = await Promise.all(seeds.map((seed) => attempt(encrypt(subject.v2, seed), subject)));
    const opened = await Promise.all(
      sealed.map(async (each) => (each.isAnswered ? await attempt(decrypt(subject.v2, each.answer), subject) : each)),
    );
    const right = opened.filter(
      (each, index) => each.isAnswered && each.answer instanceof Uint8Array && isSame(each.answer, seeds[index] ?? new Uint8Array(0)),
    ).length;
    const findings = new Findings();
    findings.add(right === 64, {
      sent: "64 Encrypts at once, then 64 Decrypts at once, on one connection",
      received: `${right} of 64 plaintexts came back`,
      expected: "all of them",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
