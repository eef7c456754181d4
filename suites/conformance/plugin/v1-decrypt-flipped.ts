import { type Check, Findings } from "../check.ts";
import { addRefusedV1, addStillWorksV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-flipped",
  title: "Decrypt refuses a ciphertext with one bit changed, at every byte, and the plugin goes on working.",
  level: "SHOULD",
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
    for (let at = 0; at < cipher.length; at++) {
      const changed = Uint8Array.from(cipher, (byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
      if (!(await addRefusedV1(subject, findings, `a ciphertext with bit ${at % 8} of byte ${at} changed`, changed))) break;
    }
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
