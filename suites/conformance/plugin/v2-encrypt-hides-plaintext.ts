import { type Check, Findings } from "../check.ts";
import { encrypt, formIn, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-encrypt-hides-plaintext",
  title: "No ciphertext holds its plaintext.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "KEP-3299; the purpose of encryption",
  needs: ["kms-v2"],
  remedy: "Encrypt the plaintext; encoding it protects nothing.",
  async run(subject) {
    const findings = new Findings();
    for (const seed of [subject.random.bytes(seedLength), subject.random.bytes(seedLength), new Uint8Array(seedLength).fill(0x41)]) {
      const { ciphertext } = await encrypt(subject.v2, seed);
      const form = formIn(ciphertext, seed) ?? formIn(ciphertext, seed.slice(0, 16)) ?? formIn(ciphertext, seed.slice(16));
      if (
        !findings.add(form === undefined, {
          sent: "Encrypt of 32 bytes",
          received: form === undefined ? "a ciphertext without them" : `a ciphertext that holds them ${form}`,
          expected: "a ciphertext without them",
        })
      )
        break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
