import { type Check, Findings } from "../../suites/conformance/check.ts";
import { encrypt, seedLength } from "../../suites/conformance/plugin-calls.ts";
import type { PluginSubject } from "../../suites/conformance/plugin-subject.ts";

/** A nonce and a tag of AES-GCM, the least that authenticated encryption adds. */
const overheadBytesMin = 12 + 16;

export const check = {
  id: "plugin/v2-encrypt-overhead",
  title: "A ciphertext is longer than its plaintext by a nonce and a tag.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D: a nonce of 12 bytes, a tag of 16",
  needs: ["kms-v2"],
  remedy: "Encrypt with AES-GCM, and keep nonce and tag with the ciphertext.",
  async run(subject) {
    const { ciphertext } = await encrypt(subject.v2, subject.random.bytes(seedLength));
    const findings = new Findings();
    findings.add(ciphertext.length >= seedLength + overheadBytesMin, {
      sent: `Encrypt of ${seedLength} bytes`,
      received: `a ciphertext of ${ciphertext.length} bytes`,
      expected: `${seedLength + overheadBytesMin} bytes or more`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
