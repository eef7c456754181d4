import { type Check, Findings, notApplicable } from "../check.ts";
import { attempt, decrypt, encrypt, formIn, sealedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-errors-hide-plaintext",
  title: "No error message holds the plaintext or the ciphertext.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299; kube-apiserver writes the messages to its log and into answers of its API",
  needs: ["kms-v2"],
  remedy: "Say what is wrong with a request, not what is in it.",
  async run(subject) {
    const made = await sealedSeed(subject);
    if ("verdict" in made) return made;
    const { seed, sealed } = made;
    const findings = new Findings();
    const wrong = [
      {
        what: "a ciphertext with a byte too many",
        call: () => decrypt(subject.v2, sealed, { ciphertext: Buffer.concat([sealed.ciphertext, Uint8Array.of(7)]) }),
      },
      { what: "an unknown key_id", call: () => decrypt(subject.v2, sealed, { keyId: "never-named" }) },
      {
        what: "an annotation that was never given",
        call: () => decrypt(subject.v2, sealed, { annotations: new Map([["never.given.example", seed]]) }),
      },
      { what: "a plaintext of 64 KiB", call: () => encrypt(subject.v2, Buffer.concat(Array.from({ length: 2048 }, () => seed))) },
    ];
    for (const { what, call } of wrong) {
      const result = await attempt<unknown>(call(), subject);
      if (result.isAnswered) continue;
      const message = Buffer.from(result.message);
      const form = formIn(message, seed) ?? formIn(message, sealed.ciphertext);
      findings.add(form === undefined, {
        sent: what,
        received: form === undefined ? `${result.code} without them` : `a message that holds one of them ${form}`,
        expected: "neither plaintext nor ciphertext",
      });
    }
    return findings.isEmpty ? notApplicable("The plugin refused none of four wrong requests.") : findings.outcome();
  },
} satisfies Check<PluginSubject>;
