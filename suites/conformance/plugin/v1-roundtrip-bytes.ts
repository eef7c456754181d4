import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-bytes",
  title: "Every byte value comes back as it was.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 1.1, 1.2",
  needs: ["kms-v1"],
  remedy: "Treat plaintexts as bytes, never as text.",
  async run(subject) {
    const findings = new Findings();
    for (let first = 0; first < 256; first += seedLength) {
      const dek = Uint8Array.from({ length: seedLength }, (_, index) => first + index);
      await addRoundTripV1(subject, findings, `the bytes ${first} to ${first + seedLength - 1}`, dek);
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
