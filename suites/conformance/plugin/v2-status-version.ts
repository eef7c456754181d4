import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-version",
  title: "Status names version v2 or v2beta1.",
  level: "MUST",
  invariants: ["K2-15"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2"],
  remedy: "Answer Status with version `v2`.",
  async run(subject) {
    const { version } = await subject.v2.status();
    const findings = new Findings();
    findings.add(version === "v2" || version === "v2beta1", {
      sent: "Status",
      received: `version "${version}"`,
      expected: "v2 or v2beta1",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
