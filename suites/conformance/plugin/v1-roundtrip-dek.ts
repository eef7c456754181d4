import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-dek",
  title: "A DEK of 32 bytes comes back as it was.",
  level: "MUST",
  invariants: ["K1-02"],
  source: "spec encryption-at-rest 1.1, 1.2",
  needs: ["kms-v1"],
  remedy: "Return from Decrypt exactly the bytes that Encrypt was given.",
  async run(subject) {
    const findings = new Findings();
    const deks = Array.from({ length: 10 }, () => subject.random.bytes(seedLength));
    await Promise.all(deks.map((dek) => addRoundTripV1(subject, findings, "32 random bytes", dek)));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
