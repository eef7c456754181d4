import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-version",
  title: "Version answers v1beta1.",
  level: "MUST",
  invariants: ["K1-06"],
  source: "spec encryption-at-rest 1.1; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["kms-v1"],
  remedy: "Answer version `v1beta1`; kube-apiserver refuses every call otherwise.",
  async run(subject) {
    const { version } = await subject.v1.version();
    const findings = new Findings();
    findings.add(version === "v1beta1", { sent: "Version", received: `"${version}"`, expected: "v1beta1" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
