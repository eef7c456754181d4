import { type Check, Findings } from "../check.ts";
import { addRoundTrip } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-1",
  title: "One byte comes back as it was.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299; kube-apiserver sends 32 bytes alone",
  needs: ["kms-v2"],
  remedy: "Serve plaintexts of any length.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTrip(subject, findings, "one byte", subject.random.bytes(1));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
