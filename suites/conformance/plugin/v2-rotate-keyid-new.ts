import { type Check, Findings, inconclusive } from "../check.ts";
import { rotated } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-rotate-keyid-new",
  title: "No rotation brings back a key_id that was used before.",
  level: "MUST",
  invariants: ["K2-23"],
  source: "KEP-3299: a key_id is never used again; spec encryption-at-rest 2.7: data of its first time would not be stale",
  needs: ["kms-v2", "rotate"],
  remedy: "Name key versions by something that grows or is random.",
  async run(subject) {
    const seen = [(await subject.v2.status()).keyId];
    const findings = new Findings();
    for (let round = 1; round <= 3; round++) {
      const change = await rotated(subject);
      if (change === undefined) return inconclusive("Status names the same key_id 20 s after the rotation; another check says so.");
      const isNew = !seen.includes(change.after);
      findings.add(isNew, {
        sent: `rotation number ${round}`,
        received: isNew ? "a key_id that was never named before" : "a key_id from before",
        expected: "a new one",
      });
      seen.push(change.after);
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
