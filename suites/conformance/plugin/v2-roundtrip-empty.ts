import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt, decrypt, encrypt, ending, isRefusal } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-empty",
  title: "No bytes come back as none, or are refused.",
  level: "SHOULD",
  invariants: [],
  source: "good practice; kube-apiserver never sends none",
  needs: ["kms-v2"],
  remedy: "Refuse an empty plaintext with InvalidArgument, or serve it.",
  async run(subject) {
    const findings = new Findings();
    const sealed = await attempt(encrypt(subject.v2, new Uint8Array(0)), subject);
    if (!sealed.isAnswered) {
      findings.add(isRefusal(sealed), { sent: "Encrypt of no bytes", received: ending(sealed), expected: "a ciphertext or a refusal" });
    } else {
      const opened = await attempt(decrypt(subject.v2, sealed.answer), subject);
      findings.add(opened.isAnswered && opened.answer.length === 0, {
        sent: "Encrypt of no bytes, and Decrypt of the ciphertext",
        received: opened.isAnswered ? `${opened.answer.length} bytes` : ending(opened),
        expected: "no bytes",
      });
    }
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
