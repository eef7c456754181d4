import { type Check, Findings } from "../check.ts";
import { encrypt, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-encrypt-fresh",
  title: "Equal plaintexts give different ciphertexts.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D: a nonce is used once; good practice",
  needs: ["kms-v2"],
  remedy: "Draw a fresh nonce for every Encrypt.",
  async run(subject) {
    const seed = subject.random.bytes(seedLength);
    const seen = new Set<string>();
    for (let call = 0; call < 16; call++) seen.add(Buffer.from((await encrypt(subject.v2, seed)).ciphertext).toString("base64"));
    const findings = new Findings();
    findings.add(seen.size === 16, {
      sent: "Encrypt of the same 32 bytes, 16 times",
      received: `${seen.size} different ciphertexts`,
      expected: "16",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
