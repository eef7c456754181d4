import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-encrypt-ciphertext-limit",
  title: "The ciphertext of 32 bytes has at most 65535 bytes.",
  level: "MUST",
  invariants: ["K1-01"],
  source: "spec encryption-at-rest 1.2: its length is stored in two bytes; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1"],
  remedy: "Shorten the ciphertext: kube-apiserver cannot store its length.",
  async run(subject) {
    const cipher = await subject.v1.encrypt(subject.random.bytes(seedLength));
    const findings = new Findings();
    findings.add(cipher.length <= 65_535, {
      sent: "Encrypt of 32 bytes",
      received: `${cipher.length} bytes`,
      expected: "at most 65535 bytes",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
