import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-version-current",
  title: "Status names version v2 and not its beta.",
  level: "SHOULD",
  invariants: ["K2-15"],
  source: "KEP-3299; spec encryption-at-rest 2.5",
  needs: ["kms-v2"],
  remedy: "Answer Status with version `v2`; v2beta1 is of before Kubernetes 1.29.",
  async run(subject) {
    const { version } = await subject.v2.status();
    const findings = new Findings();
    findings.add(version === "v2", { sent: "Status", received: `version "${version}"`, expected: "v2" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
