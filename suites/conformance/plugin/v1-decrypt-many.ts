import { type Check, Findings } from "../check.ts";
import { attempt, comparison, isSame, seedLength } from "../plugin-calls.ts";
import type { SealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** As many as kube-apiserver has under way while it fills its watch cache. */
const atOnce = 10;
const deksMax = 300;
/** Where calls take long, fewer of them say enough. */
const encryptMsMax = 8000;

export const check = {
  id: "plugin/v1-decrypt-many",
  title: "Hundreds of DEKs can be decrypted, ten at a time, as an API server does when it starts.",
  level: "MUST",
  invariants: ["K1-08"],
  source: "spec encryption-at-rest 1.3, 7: N objects cost N Decrypts, at most ten at once; k8s.io/apiserver pkg/storage/etcd3/watcher.go",
  needs: ["kms-v1"],
  remedy: "Put all that a Decrypt needs, but for the key, into the ciphertext.",
  async run(subject) {
    const findings = new Findings();
    const made: SealedDek[] = [];
    const giveUpMs = subject.clock.monotonicMs() + encryptMsMax;
    const writer = async () => {
      while (made.length < deksMax && subject.clock.monotonicMs() < giveUpMs && !findings.hasFailed) {
        const dek = subject.random.bytes(seedLength);
        const sealed = await attempt(subject.v1.encrypt(dek), subject);
        if (sealed.isAnswered) made.push({ dek, cipher: sealed.answer });
        else findings.add(false, { sent: `Encrypt, ${atOnce} at a time`, received: sealed.message, expected: "a ciphertext" });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, writer));

    using restarted = subject.connectV1();
    const waiting = [...made];
    const reader = async () => {
      for (let next = waiting.shift(); next !== undefined && !findings.hasFailed; next = waiting.shift()) {
        const opened = await attempt(restarted.decrypt(next.cipher), subject);
        findings.add(opened.isAnswered && isSame(opened.answer, next.dek), {
          sent: `${made.length} Encrypts, then as many Decrypts over another connection, ${atOnce} at a time`,
          received: opened.isAnswered ? comparison(next.dek, opened.answer) : opened.message,
          expected: "the same bytes",
        });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, reader));
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
