import { type Check, Findings } from "../check.ts";
import { exchangedHalves } from "../plugin-calls.ts";
import { addRefusedV1, authenticitySource, openedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-exchanged",
  title: "Decrypt refuses the halves of two ciphertexts put together, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: authenticitySource,
  needs: ["kms-v1"],
  remedy: "Authenticate ciphertexts (AES-GCM, or the KMS's own), and answer InvalidArgument.",
  async run(subject) {
    const made = await openedDek(subject);
    if ("verdict" in made) return made;
    const { cipher } = made;
    const other = await openedDek(subject);
    if ("verdict" in other) return other;
    const findings = new Findings();
    await addRefusedV1(subject, findings, [
      {
        what: "the first half of one ciphertext and the second of another",
        cipher: exchangedHalves(cipher, other.cipher),
      },
    ]);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
