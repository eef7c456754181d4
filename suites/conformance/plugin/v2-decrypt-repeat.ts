import { type Check, Findings } from "../check.ts";
import { attempt, comparison, decrypt, encrypt, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-repeat",
  title: "The same ciphertext can be decrypted any number of times, on any connection.",
  level: "MUST",
  invariants: ["K2-20", "K2-21"],
  source: "spec encryption-at-rest 2.6, 7: every restart of every API server decrypts it again",
  needs: ["kms-v2"],
  remedy: "Keep no state that a Decrypt uses up.",
  async run(subject) {
    const seed = subject.random.bytes(seedLength);
    const sealed = await encrypt(subject.v2, seed);
    const findings = new Findings();
    for (let round = 0; round < 20; round++) {
      using other = subject.connectV2();
      const opened = await attempt(decrypt(round % 2 === 0 ? subject.v2 : other, sealed), subject);
      const isRight = opened.isAnswered && isSame(opened.answer, seed);
      if (
        !findings.add(isRight, {
          sent: `Decrypt number ${round + 1} of one ciphertext`,
          received: opened.isAnswered ? comparison(seed, opened.answer) : opened.message,
          expected: "the same bytes",
        })
      )
        break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
