import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-restart-keyid",
  title: "A restart of the plugin keeps the key_id.",
  level: "MUST",
  invariants: ["K2-10"],
  source:
    "KEP-3299; spec encryption-at-rest 2.7: another key_id makes every object stale; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2", "restart"],
  remedy: "Derive the key_id from the key, not from the process.",
  async run(subject) {
    const before = (await subject.v2.status()).keyId;
    await subject.restart();
    const after = (await subject.v2.status()).keyId;
    const findings = new Findings();
    findings.add(before === after, {
      sent: "Status before and after a restart",
      received: before === after ? "one key_id" : "two key_ids",
      expected: "one key_id",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
