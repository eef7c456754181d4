import { startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { addProbePace } from "../probe-pace.ts";
import { failStatus } from "../write-expiry.ts";

export const check = {
  id: "apiserver/k2-08-health-traffic",
  title: "With KMS v2, requests for the health endpoint call Status at most every 20 s, or every 3 s while that fails.",
  level: "MUST",
  invariants: ["K2-08"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "clock"],
  remedy: "Count what health probes call on this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.stage();
    const server = await startWithKms(stage, "v2");
    const findings = new Findings();
    await addProbePace(findings, stage, server, {
      method: "Status",
      calls: () => server.kms.since(0, "Status"),
      fail: () => failStatus(server),
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
