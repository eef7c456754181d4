import { type Check, Findings, inconclusive } from "../check.ts";
import { encrypt, rotated, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-rotate-keyid-once",
  title: "After a rotation the key_id is stable again, and Encrypt names it too.",
  level: "MUST",
  invariants: ["K2-09", "K2-11"],
  source: "KEP-3299; spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2", "rotate"],
  remedy: "Change what Status and Encrypt name at one moment, once a rotation.",
  async run(subject) {
    const change = await rotated(subject);
    if (change === undefined) return inconclusive("Status names the same key_id 20 s after the rotation; another check says so.");
    const findings = new Findings();
    for (let poll = 0; poll < 20; poll++) {
      const { keyId } = await subject.v2.status();
      const sealed = await encrypt(subject.v2, subject.random.bytes(seedLength));
      const isRight = keyId === change.after && sealed.keyId === change.after;
      if (
        !findings.add(isRight, {
          sent: "Status and Encrypt after a rotation",
          received: isRight ? "the new key_id" : keyId === sealed.keyId ? "a third key_id" : "two different key_ids",
          expected: "the new key_id from both",
        })
      )
        break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
