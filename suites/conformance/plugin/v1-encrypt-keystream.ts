import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** So many bytes in a row that are alike are no accident. */
const alikeLength = 8;

type Pair = readonly [Uint8Array, Uint8Array];

/** Whether, anywhere, two ciphertexts differ just as their plaintexts do, so that who knows one plaintext can compute the other. */
function differAlike(plaintexts: Pair, ciphertexts: Pair): boolean {
  const plain = differenceOf(plaintexts);
  const cipher = Buffer.from(differenceOf(ciphertexts));
  const starts = Array.from({ length: plain.length - alikeLength + 1 }, (_, start) => start);
  return starts.some((start) => cipher.includes(Buffer.from(plain.subarray(start, start + alikeLength))));
}

function differenceOf([one, other]: Pair): Uint8Array {
  return one.slice(0, other.length).map((byte, at) => byte ^ (other[at] ?? 0));
}

/** The same, counted from the end. */
function reversed([one, other]: Pair): Pair {
  return [one.toReversed(), other.toReversed()];
}

export const check = {
  id: "plugin/v1-encrypt-keystream",
  title: "Who knows one plaintext cannot compute another from the ciphertexts.",
  level: "MUST",
  invariants: [],
  source: "the purpose of encryption; NIST SP 800-38D 8: no two encryptions share key and nonce",
  needs: ["kms-v1"],
  remedy: "Draw a fresh nonce for every Encrypt: under one keystream, each plaintext gives all others away.",
  async run(subject) {
    const plaintexts: Pair = [subject.random.bytes(seedLength), subject.random.bytes(seedLength)];
    const ciphertexts: Pair = [await subject.v1.encrypt(plaintexts[0]), await subject.v1.encrypt(plaintexts[1])];
    const findings = new Findings();
    const isComputable = differAlike(plaintexts, ciphertexts) || differAlike(reversed(plaintexts), reversed(ciphertexts));
    findings.add(!isComputable, {
      sent: "Encrypt of two different plaintexts of 32 bytes",
      received: isComputable ? "ciphertexts that differ in the same bits as their plaintexts" : "ciphertexts that differ as they like",
      expected: "ciphertexts that do not tell how their plaintexts differ",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
