import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** The bytes that all of some ciphertexts have at a place, counted from the end where it is negative; undefined where they differ. */
function commonByte(ciphertexts: readonly Uint8Array[], at: number): number | undefined {
  const bytes = new Set(ciphertexts.map((each) => each.at(at)));
  return bytes.size === 1 ? bytes.values().next().value : undefined;
}

export const check = {
  id: "plugin/v1-encrypt-prefix-fresh",
  title: "No byte of a ciphertext is decided by its plaintext alone.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D: a keystream is used once; good practice: a digest of a plaintext tells who guesses it that he is right",
  needs: ["kms-v1"],
  remedy: "Draw a fresh nonce for every Encrypt, encrypt all of the plaintext with it, and store no digest of it.",
  async run(subject) {
    const [one, other] = [subject.random.bytes(seedLength), subject.random.bytes(seedLength)];
    const ofOne: Uint8Array[] = [];
    const ofOther: Uint8Array[] = [];
    // In turns, so that a time or a count in the ciphertext is not taken for the plaintext's.
    for (let round = 0; round < 5; round++) {
      ofOne.push(await subject.v1.encrypt(one));
      ofOther.push(await subject.v1.encrypt(other));
    }
    const length = Math.min(...[...ofOne, ...ofOther].map((each) => each.length));
    const places = Array.from({ length: 2 * length }, (_, index) => index - length);
    const isDecided = places.some((at) => {
      const [byte, otherByte] = [commonByte(ofOne, at), commonByte(ofOther, at)];
      return byte !== undefined && otherByte !== undefined && byte !== otherByte;
    });
    const findings = new Findings();
    findings.add(!isDecided, {
      sent: "Encrypt of two plaintexts of 32 bytes, five times each",
      received: isDecided ? "bytes that are the same for one plaintext and others for the other" : "no byte that goes with a plaintext",
      expected: "no byte that goes with a plaintext",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
