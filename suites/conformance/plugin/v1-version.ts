import { type Check, Findings } from "../check.ts";
import { attempt } from "../plugin-calls.ts";
import { versionV1 } from "../plugin-calls-v1.ts";
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
    const result = await attempt(subject.v1.version(), subject);
    const findings = new Findings();
    findings.add(result.isAnswered && result.answer.version === versionV1, {
      sent: "Version",
      received: result.isAnswered ? `"${result.answer.version}"` : result.message,
      expected: versionV1,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
