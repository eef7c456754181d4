import { type Check, Findings } from "../check.ts";
import { attempt, comparison, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-repeat",
  title: "The same ciphertext can be decrypted any number of times, on any connection.",
  level: "MUST",
  invariants: ["K1-08"],
  source:
    "spec encryption-at-rest 1.3, 7: every restart of every API server decrypts it again; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1"],
  remedy: "Keep no state that a Decrypt uses up.",
  async run(subject) {
    const dek = subject.random.bytes(seedLength);
    const cipher = await subject.v1.encrypt(dek);
    const findings = new Findings();
    for (let round = 0; round < 20; round++) {
      using other = subject.connectV1();
      const opened = await attempt((round % 2 === 0 ? subject.v1 : other).decrypt(cipher), subject);
      const isRight = opened.isAnswered && isSame(opened.answer, dek);
      if (
        !findings.add(isRight, {
          sent: `Decrypt number ${round + 1} of one ciphertext`,
          received: opened.isAnswered ? comparison(dek, opened.answer) : opened.message,
          expected: "the same bytes",
        })
      )
        break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
