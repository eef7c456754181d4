import { type Check, Findings } from "../check.ts";
import { addRefusedV1, authenticitySource, openedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-flipped",
  title: "Decrypt refuses a ciphertext with one bit changed, at every byte, and the plugin goes on working.",
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
    const flipped = Array.from(cipher, (_, at) => ({
      what: `a ciphertext with bit ${at % 8} of byte ${at} changed`,
      cipher: Uint8Array.from(cipher, (byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte)),
    }));
    await addRefusedV1(subject, findings, flipped);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
