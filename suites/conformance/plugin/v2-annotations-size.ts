import { type Check, Findings } from "../check.ts";
import { encrypt, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-annotations-size",
  title: "The annotations have at most 32768 bytes together.",
  level: "MUST",
  invariants: ["K2-18"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["kms-v2"],
  remedy: "Keep annotations small: they are stored with every object.",
  async run(subject) {
    const { annotations } = await encrypt(subject.v2, subject.random.bytes(seedLength));
    const bytes = [...annotations].reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + value.length, 0);
    const findings = new Findings();
    findings.add(bytes <= 32_768, {
      sent: "Encrypt",
      received: `${annotations.size} annotations of ${bytes} bytes`,
      expected: "at most 32768 bytes",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
