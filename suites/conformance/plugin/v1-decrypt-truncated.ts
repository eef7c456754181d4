import { type Check, Findings } from "../check.ts";
import { addRefusedV1, authenticitySource, openedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-truncated",
  title: "Decrypt refuses every beginning of a ciphertext, and the plugin goes on working.",
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
    const beginnings = Array.from(cipher, (_, length) => ({
      what: `the first ${length} of ${cipher.length} bytes of a ciphertext`,
      cipher: cipher.slice(0, length),
    }));
    // None at all is another check's.
    await addRefusedV1(subject, findings, beginnings.slice(1));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
