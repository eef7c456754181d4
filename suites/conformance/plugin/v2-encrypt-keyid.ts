import { type Check, Findings } from "../check.ts";
import { encrypt, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-encrypt-keyid",
  title: "Encrypt names the key_id that Status names.",
  level: "MUST",
  invariants: ["K2-11"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2"],
  remedy:
    "Let Status and Encrypt take the key_id from the same place; kube-apiserver refuses a seed whose key_id differs, and writes end after 3 minutes.",
  async run(subject) {
    const findings = new Findings();
    for (let call = 0; call < 20; call++) {
      const before = (await subject.v2.status()).keyId;
      const { keyId } = await encrypt(subject.v2, subject.random.bytes(seedLength));
      const after = (await subject.v2.status()).keyId;
      // Between the two Status calls nobody rotated.
      if (before !== after) continue;
      const isAgreed = keyId === before;
      if (
        !findings.add(isAgreed, {
          sent: "Status, Encrypt",
          received: isAgreed ? "one key_id" : `a key_id of ${Buffer.byteLength(keyId)} bytes that Status does not name`,
          expected: "one key_id",
        })
      )
        break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
