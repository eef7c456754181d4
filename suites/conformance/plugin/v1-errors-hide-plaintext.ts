import { type Check, Findings, notApplicable } from "../check.ts";
import { attempt, formIn } from "../plugin-calls.ts";
import { sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-errors-hide-plaintext",
  title: "No error message holds the plaintext or the ciphertext.",
  level: "MUST",
  invariants: [],
  source: "kube-apiserver writes the messages to its log and into answers of its API",
  needs: ["kms-v1"],
  remedy: "Say what is wrong with a request, not what is in it.",
  async run(subject) {
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    const { dek, cipher } = made;
    const findings = new Findings();
    const wrong = [
      { what: "a ciphertext with a byte too many", call: subject.v1.decrypt(Buffer.concat([cipher, Uint8Array.of(7)])) },
      { what: "a DEK as ciphertext", call: subject.v1.decrypt(dek) },
      { what: "a plaintext of 64 KiB", call: subject.v1.encrypt(Buffer.concat(Array.from({ length: 2048 }, () => dek))) },
    ];
    for (const { what, call } of wrong) {
      const result = await attempt(call, subject);
      if (result.isAnswered) continue;
      const message = Buffer.from(result.message);
      const form = formIn(message, dek) ?? formIn(message, cipher);
      findings.add(form === undefined, {
        sent: what,
        received: form === undefined ? `${result.code} without them` : `a message that holds one of them ${form}`,
        expected: "neither plaintext nor ciphertext",
      });
    }
    return findings.isEmpty ? notApplicable("The plugin refused none of three wrong requests.") : findings.outcome();
  },
} satisfies Check<PluginSubject>;
