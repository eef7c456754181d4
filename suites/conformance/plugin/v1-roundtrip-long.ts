import { type Check, Findings } from "../check.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-long",
  title: "1 KiB and 4 KiB come back as they were.",
  level: "SHOULD",
  invariants: [],
  source: "good practice; kube-apiserver sends 4 and 32 bytes alone",
  needs: ["kms-v1"],
  remedy: "Serve plaintexts up to the limit of the KMS, which is 4 KiB for most.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTripV1(subject, findings, "1 KiB", subject.random.bytes(1024));
    await addRoundTripV1(subject, findings, "4 KiB", subject.random.bytes(4096));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
