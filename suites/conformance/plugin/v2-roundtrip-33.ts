import { type Check, Findings } from "../check.ts";
import { addRoundTrip } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-33",
  title: "33 bytes come back as they were.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299; kube-apiserver sends 32 bytes alone",
  needs: ["kms-v2"],
  remedy: "Serve plaintexts of any length.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTrip(subject, findings, "33 bytes", subject.random.bytes(33));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
