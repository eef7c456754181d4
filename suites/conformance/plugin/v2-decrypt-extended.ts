import { type Check, Findings } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-extended",
  title: "Decrypt refuses a ciphertext with bytes behind or before it, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299: only what Encrypt gave may be decrypted; an answer to anything else becomes the seed that objects are read with",
  needs: ["kms-v2"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await openedSeed(subject);
    if ("verdict" in made) return made;
    const { sealed } = made;
    const findings = new Findings();
    await addRefused(subject, findings, "a ciphertext with a zero behind it", sealed, {
      ciphertext: Buffer.concat([sealed.ciphertext, Uint8Array.of(0)]),
    });
    await addRefused(subject, findings, "a ciphertext with 16 bytes behind it", sealed, {
      ciphertext: Buffer.concat([sealed.ciphertext, subject.random.bytes(16)]),
    });
    await addRefused(subject, findings, "a ciphertext with a byte before it", sealed, {
      ciphertext: Buffer.concat([Uint8Array.of(1), sealed.ciphertext]),
    });
    await addRefused(subject, findings, "a ciphertext twice", sealed, {
      ciphertext: Buffer.concat([sealed.ciphertext, sealed.ciphertext]),
    });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
