import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-keyid-short",
  title: "The key_id is short: it is stored with every object.",
  level: "SHOULD",
  invariants: ["SZ-01"],
  source: "spec encryption-at-rest 2.4: the key_id is repeated in every stored object",
  needs: ["kms-v2"],
  remedy: "Name the key by a short id or a hash.",
  async run(subject) {
    const bytes = Buffer.byteLength((await subject.v2.status()).keyId);
    const findings = new Findings();
    findings.add(bytes <= 256, { sent: "Status", received: `a key_id of ${bytes} bytes`, expected: "256 bytes or fewer" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
