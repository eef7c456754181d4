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
    for (let round = 0; round < 3 && !findings.hasFailed; round++) {
      const dek = subject.random.bytes(seedLength);
      const cipher = await subject.v1.encrypt(dek);
      const pieces = [0, 8, 16, 24].map((start) => dek.slice(start, start + 8));
      const form = [dek, ...pieces].map((piece) => formIn(cipher, piece)).find((found) => found !== undefined);
      findings.add(form === undefined, {
        sent: "Encrypt of 32 bytes",
        received: form === undefined ? "a ciphertext without them" : `a ciphertext that holds some or all of them ${form}`,
        expected: "a ciphertext without them",
      });
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
