import { type Check, Findings } from "../check.ts";
import { addRefusedV1, authenticitySource, openedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-decrypt-random",
  title: "Decrypt refuses random bytes, and the plugin goes on working.",
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
    const lengths = [1, 16, 32, 60, cipher.length, 1024];
    const random = lengths.map((length) => ({ what: `${length} random bytes`, cipher: subject.random.bytes(length) }));
    await addRefusedV1(subject, findings, random);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
