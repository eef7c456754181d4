import { type Check, Findings } from "../check.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-1",
  title: "One byte comes back as it was.",
  level: "SHOULD",
  invariants: [],
  source: "good practice; kube-apiserver sends 4 and 32 bytes alone",
  needs: ["kms-v1"],
  remedy: "Serve plaintexts of any length.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTripV1(subject, findings, "one byte", subject.random.bytes(1));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
