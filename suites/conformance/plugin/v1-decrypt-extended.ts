import { type Check, Findings } from "../check.ts";
import { addRefusedV1, authenticitySource, openedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-extended",
  title: "Decrypt refuses a ciphertext with bytes behind or before it, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: authenticitySource,
  needs: ["kms-v1"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await openedDek(subject);
    if ("verdict" in made) return made;
    const { cipher } = made;
    const findings = new Findings();
    await addRefusedV1(subject, findings, [
      { what: "a ciphertext with a zero behind it", cipher: Buffer.concat([cipher, Uint8Array.of(0)]) },
      { what: "a ciphertext with 16 bytes behind it", cipher: Buffer.concat([cipher, subject.random.bytes(16)]) },
      { what: "a ciphertext with a byte before it", cipher: Buffer.concat([Uint8Array.of(1), cipher]) },
      { what: "a ciphertext twice", cipher: Buffer.concat([cipher, cipher]) },
    ]);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
