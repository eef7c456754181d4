import { type Check, Findings } from "../check.ts";
import { addRoundTrip, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-seed",
  title: "A seed of 32 bytes comes back as it was.",
  level: "MUST",
  invariants: ["K2-06"],
  source: "KEP-3299; spec encryption-at-rest 2.1",
  needs: ["kms-v2"],
  remedy: "Return from Decrypt exactly the bytes that Encrypt was given.",
  async run(subject) {
    const findings = new Findings();
    for (let round = 0; round < 10; round++) await addRoundTrip(subject, findings, "32 random bytes", subject.random.bytes(seedLength));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
