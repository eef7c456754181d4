import { type Check, Findings } from "../check.ts";
import { isSame, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-encrypt-prefix-fresh",
  title: "The ciphertexts of equal plaintexts do not end alike.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D: a keystream is used once; good practice",
  needs: ["kms-v1"],
  remedy: "Draw a fresh nonce for every Encrypt and encrypt all of the plaintext with it.",
  async run(subject) {
    const dek = subject.random.bytes(seedLength);
    const [one, other] = [await subject.v1.encrypt(dek), await subject.v1.encrypt(dek)];
    const length = 8;
    const findings = new Findings();
    const isAlike = isSame(one.slice(-length), other.slice(-length));
    findings.add(one.length < length || !isAlike, {
      sent: "Encrypt of the same 32 bytes, twice",
      received: isAlike ? `the last ${length} bytes are the same` : "different endings",
      expected: "different endings",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
