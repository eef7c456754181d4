import { type Check, Findings } from "../check.ts";
import { encrypt, isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-encrypt-prefix-fresh",
  title: "The ciphertexts of equal plaintexts do not end alike.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D: a keystream is used once; good practice",
  needs: ["kms-v2"],
  remedy: "Draw a fresh nonce for every Encrypt and encrypt all of the plaintext with it.",
  async run(subject) {
    const seed = subject.random.bytes(seedLength);
    const [one, other] = [await encrypt(subject.v2, seed), await encrypt(subject.v2, seed)];
    const length = 8;
    const findings = new Findings();
    // Half of the plaintext standing alike at the end of both is no chance: 2^-64.
    const isAlike = isSame(one.ciphertext.slice(-length), other.ciphertext.slice(-length));
    findings.add(one.ciphertext.length < length || !isAlike, {
      sent: "Encrypt of the same 32 bytes, twice",
      received: isAlike ? `the last ${length} bytes are the same` : "different endings",
      expected: "different endings",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
