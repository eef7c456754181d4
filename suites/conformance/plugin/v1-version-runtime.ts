import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-version-runtime",
  title: "Version names the runtime and its version.",
  level: "SHOULD",
  invariants: [],
  source: "k8s.io/kms apis/v1beta1/api.proto; good practice",
  needs: ["kms-v1"],
  remedy: "Fill in runtime_name and runtime_version, so that an operator can see what runs.",
  async run(subject) {
    const { runtimeName, runtimeVersion } = await subject.v1.version();
    const findings = new Findings();
    findings.add(runtimeName !== "" && runtimeVersion !== "", {
      sent: "Version",
      received: `runtime_name "${runtimeName}", runtime_version "${runtimeVersion}"`,
      expected: "both",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
