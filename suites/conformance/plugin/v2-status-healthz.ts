import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-healthz",
  title: "Status says ok.",
  level: "MUST",
  invariants: ["K2-14"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2"],
  remedy: "Answer healthz `ok`, in these two letters, while the KMS can be used; anything else makes the API server unhealthy.",
  async run(subject) {
    const findings = new Findings();
    for (let poll = 0; poll < 10; poll++) {
      const { healthz } = await subject.v2.status();
      if (!findings.add(healthz === "ok", { sent: "Status", received: `healthz "${healthz}"`, expected: "ok" })) break;
    }
    return findings.outcome(1);
  },
} satisfies Check<PluginSubject>;
