import { type Check, Findings } from "../check.ts";
import { encrypt, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-encrypt-ciphertext-given",
  title: "Encrypt gives a ciphertext.",
  level: "MUST",
  invariants: ["K2-17"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["kms-v2"],
  remedy: "Return the encrypted seed.",
  async run(subject) {
    const { ciphertext } = await encrypt(subject.v2, subject.random.bytes(seedLength));
    const findings = new Findings();
    findings.add(ciphertext.length > 0, {
      sent: "Encrypt of 32 bytes",
      received: `${ciphertext.length} bytes`,
      expected: "1 to 1024 bytes",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
