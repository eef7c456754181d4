import { type Check, Findings } from "../check.ts";
import { addRoundTrip, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-bytes",
  title: "Every byte value comes back as it was.",
  level: "MUST",
  invariants: ["K2-06"],
  source: "KEP-3299; spec encryption-at-rest 2.1",
  needs: ["kms-v2"],
  remedy: "Treat plaintexts as bytes, never as text.",
  async run(subject) {
    const findings = new Findings();
    for (let first = 0; first < 256; first += seedLength) {
      const seed = Uint8Array.from({ length: seedLength }, (_, index) => first + index);
      await addRoundTrip(subject, findings, `the bytes ${first} to ${first + seedLength - 1}`, seed);
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
