import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-encrypt-ciphertext-short",
  title: "The ciphertext of 32 bytes has at most 1024 bytes, as KMS v2 demands.",
  level: "SHOULD",
  invariants: ["SZ-01"],
  source: "spec encryption-at-rest 1.2, 2.2: it is stored with every object, and KMS v2 refuses more",
  needs: ["kms-v1"],
  remedy: "Put what is constant into the plugin's own store.",
  async run(subject) {
    const cipher = await subject.v1.encrypt(subject.random.bytes(seedLength));
    const findings = new Findings();
    findings.add(cipher.length <= 1024, {
      sent: "Encrypt of 32 bytes",
      received: `${cipher.length} bytes`,
      expected: "at most 1024 bytes",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
