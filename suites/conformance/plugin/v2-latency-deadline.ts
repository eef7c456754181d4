import { type Check, Findings } from "../check.ts";
import { deadlineMs, timings } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-latency-deadline",
  title: "Every call is answered within kube-apiserver's deadline.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 2.1: 3 s by default; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/grpc_service.go",
  needs: ["kms-v2"],
  remedy: "Find out what the KMS takes so long for, or raise `timeout` in the EncryptionConfiguration.",
  async run(subject) {
    const findings = new Findings();
    const { slowestMs, failed } = await timings(subject);
    findings.add(failed === undefined && slowestMs < deadlineMs, {
      sent: "up to 60 calls of each method, one after the other",
      received: failed ?? `answers, the slowest after ${slowestMs.toFixed(1)} ms`,
      expected: `answers within ${deadlineMs} ms`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
