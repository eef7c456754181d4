import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-keyid-stable",
  title: "Status names the same key_id in every poll and on every connection while nobody rotates.",
  level: "MUST",
  invariants: ["K2-10"],
  source: "KEP-3299; spec encryption-at-rest 2.5",
  needs: ["kms-v2"],
  remedy: "Derive the key_id from the key alone: each change of it makes every stored object stale.",
  async run(subject) {
    const first = (await subject.v2.status()).keyId;
    const others = new Set<string>();
    for (let poll = 0; poll < 50; poll++) others.add((await subject.v2.status()).keyId);
    for (let reconnect = 0; reconnect < 10; reconnect++) {
      using other = subject.connectV2();
      others.add((await other.status()).keyId);
    }
    const findings = new Findings();
    findings.add(others.size === 1 && others.has(first), {
      sent: "61 Status calls over 11 connections",
      received: `${new Set([first, ...others]).size} different key_ids`,
      expected: "one key_id",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
