import { type Check, Findings } from "../check.ts";
import { addRefusedV1, addStillWorksV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-extended",
  title: "Decrypt refuses a ciphertext with bytes behind or before it, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source:
    "good practice: an answer to anything but what Encrypt gave becomes the DEK that an object is read with; KMS v1 has nothing beside the ciphertext that would show it",
  needs: ["kms-v1"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    const { cipher } = made;
    const findings = new Findings();
    await addRefusedV1(subject, findings, "a ciphertext with a zero behind it", Buffer.concat([cipher, Uint8Array.of(0)]));
    await addRefusedV1(subject, findings, "a ciphertext with 16 bytes behind it", Buffer.concat([cipher, subject.random.bytes(16)]));
    await addRefusedV1(subject, findings, "a ciphertext with a byte before it", Buffer.concat([Uint8Array.of(1), cipher]));
    await addRefusedV1(subject, findings, "a ciphertext twice", Buffer.concat([cipher, cipher]));
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
