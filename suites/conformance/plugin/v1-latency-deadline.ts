import { type Check, Findings } from "../check.ts";
import { deadlineMs } from "../plugin-calls.ts";
import { timingsV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-latency-deadline",
  title: "Every call is answered within kube-apiserver's deadline.",
  level: "MUST",
  invariants: [],
  source:
    "spec encryption-at-rest 1.1: 3 s by default, and every write waits for an Encrypt; k8s.io/apiserver pkg/storage/value/encrypt/envelope/grpc_service.go",
  needs: ["kms-v1"],
  remedy: "Find out what the KMS takes so long for, or raise `timeout` in the EncryptionConfiguration.",
  async run(subject) {
    const findings = new Findings();
    const { slowestMs, failed } = await timingsV1(subject);
    findings.add(failed === undefined && slowestMs < deadlineMs, {
      sent: "up to 60 Encrypts and Decrypts, one after the other",
      received: failed ?? `answers, the slowest after ${slowestMs.toFixed(1)} ms`,
      expected: `answers within ${deadlineMs} ms`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
