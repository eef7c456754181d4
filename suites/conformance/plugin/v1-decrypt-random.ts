import { type Check, Findings } from "../check.ts";
import { addRefusedV1, addStillWorksV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-random",
  title: "Decrypt refuses random bytes, and the plugin goes on working.",
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
    for (const length of [1, 16, 32, 60, cipher.length, 1024])
      await addRefusedV1(subject, findings, `${length} random bytes`, subject.random.bytes(length));
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
