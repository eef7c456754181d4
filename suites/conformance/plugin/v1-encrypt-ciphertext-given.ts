import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-encrypt-ciphertext-given",
  title: "Encrypt gives a ciphertext.",
  level: "MUST",
  invariants: ["K1-01"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1"],
  remedy: "Return the encrypted DEK.",
  async run(subject) {
    const cipher = await subject.v1.encrypt(subject.random.bytes(seedLength));
    const findings = new Findings();
    findings.add(cipher.length > 0, { sent: "Encrypt of 32 bytes", received: `${cipher.length} bytes`, expected: "1 to 65535 bytes" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
