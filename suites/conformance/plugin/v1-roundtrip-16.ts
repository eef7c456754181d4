import { type Check, Findings } from "../check.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-16",
  title: "16 bytes come back as they were.",
  level: "SHOULD",
  invariants: [],
  source: "good practice; kube-apiserver sends 4 and 32 bytes alone",
  needs: ["kms-v1"],
  remedy: "Serve plaintexts of any length.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTripV1(subject, findings, "16 bytes", subject.random.bytes(16));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
