import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-keyid-limit",
  title: "The key_id of Status has at most 1024 bytes.",
  level: "MUST",
  invariants: ["K2-16"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["kms-v2"],
  remedy: "Shorten the key_id, by a hash for instance: it is stored with every object.",
  async run(subject) {
    const bytes = Buffer.byteLength((await subject.v2.status()).keyId);
    const findings = new Findings();
    findings.add(bytes <= 1024, { sent: "Status", received: `a key_id of ${bytes} bytes`, expected: "at most 1024 bytes" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
