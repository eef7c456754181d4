import { type Check, Findings, inconclusive } from "../check.ts";
import { attempt, decrypt, encrypt, ending, isRefusal, rotated, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-rotate-new-key",
  title: "After a rotation another key encrypts.",
  level: "SHOULD",
  invariants: ["K2-09"],
  source: "KEP-3299: the purpose of a rotation",
  needs: ["kms-v2", "rotate"],
  remedy: "Encrypt with the key version that the new key_id names.",
  async run(subject) {
    const change = await rotated(subject);
    if (change === undefined) return inconclusive("Status names the same key_id 20 s after the rotation; another check says so.");
    const sealed = await encrypt(subject.v2, subject.random.bytes(seedLength));
    const findings = new Findings();
    const result = await attempt(decrypt(subject.v2, sealed, { keyId: change.before }), subject);
    findings.add(isRefusal(result), {
      sent: "Decrypt of a new ciphertext with the key_id from before the rotation",
      received: ending(result),
      expected: "a refusal",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
