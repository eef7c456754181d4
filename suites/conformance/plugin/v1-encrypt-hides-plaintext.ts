import { type Check, Findings } from "../check.ts";
import { formIn, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-encrypt-hides-plaintext",
  title: "No ciphertext holds its plaintext.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "the purpose of encryption; spec encryption-at-rest 1.2: the ciphertext lies in etcd",
  needs: ["kms-v1"],
  remedy: "Encrypt the plaintext; encoding it protects nothing.",
  async run(subject) {
    const findings = new Findings();
    for (const dek of [subject.random.bytes(seedLength), subject.random.bytes(seedLength), new Uint8Array(seedLength).fill(0x41)]) {
      const cipher = await subject.v1.encrypt(dek);
      const form = formIn(cipher, dek) ?? formIn(cipher, dek.slice(0, 16)) ?? formIn(cipher, dek.slice(16));
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
