import { type Check, Findings } from "../check.ts";
import { attempt, comparison, encrypt, ending, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-uid-ignored",
  title: "What a call does depends on its uid in no way.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299: the uid is for logs",
  needs: ["kms-v2"],
  remedy: "Use the uid for logs alone.",
  async run(subject) {
    const seed = subject.random.bytes(seedLength);
    const findings = new Findings();
    const sealed = await encrypt(subject.v2, seed);
    const opened = await attempt(subject.v2.decrypt({ ...sealed, uid: "00000000-0000-4000-8000-000000000000" }), subject);
    findings.add(opened.isAnswered && isSame(opened.answer.plaintext, seed), {
      sent: "Decrypt with another uid than Encrypt's",
      received: opened.isAnswered ? comparison(seed, opened.answer.plaintext) : ending(opened),
      expected: "the same bytes",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
