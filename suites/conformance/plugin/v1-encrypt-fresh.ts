import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-encrypt-fresh",
  title: "Equal plaintexts give different ciphertexts.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D: a nonce is used once; good practice",
  needs: ["kms-v1"],
  remedy: "Draw a fresh nonce for every Encrypt.",
  async run(subject) {
    const dek = subject.random.bytes(seedLength);
    const ciphertexts = await Promise.all(Array.from({ length: 16 }, () => subject.v1.encrypt(dek)));
    const seen = new Set(ciphertexts.map((cipher) => Buffer.from(cipher).toString("base64")));
    const findings = new Findings();
    findings.add(seen.size === 16, {
      sent: "Encrypt of the same 32 bytes, 16 times",
      received: `${seen.size} different ciphertexts`,
      expected: "16",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
