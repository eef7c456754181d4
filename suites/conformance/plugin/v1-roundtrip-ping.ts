import { type Check, Findings } from "../check.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-ping",
  title: "The four bytes of the health probe come back as they were.",
  level: "MUST",
  invariants: ["K1-09"],
  source: "spec encryption-at-rest 1.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v1"],
  remedy: "Serve plaintexts shorter than a DEK: the health check of the API server encrypts `ping`.",
  async run(subject) {
    const findings = new Findings();
    await addRoundTripV1(subject, findings, "the word ping", Buffer.from("ping"));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
