import { type Check, Findings } from "../check.ts";
import { addRoundTrip } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-long",
  title: "1 KiB and 4 KiB come back as they were.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299; kube-apiserver sends 32 bytes alone",
  needs: ["kms-v2"],
  remedy: "Serve plaintexts up to the limit of the KMS, which is 4 KiB for most.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTrip(subject, findings, "1 KiB", subject.random.bytes(1024));
    await addRoundTrip(subject, findings, "4 KiB", subject.random.bytes(4096));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
