import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-keyid-given",
  title: "Status names a key_id.",
  level: "MUST",
  invariants: ["K2-16"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["kms-v2"],
  remedy: "Name the key that Encrypt uses; without a key_id kube-apiserver never writes.",
  async run(subject) {
    const { keyId } = await subject.v2.status();
    const findings = new Findings();
    findings.add(keyId.length > 0, {
      sent: "Status",
      received: `a key_id of ${Buffer.byteLength(keyId)} bytes`,
      expected: "1 to 1024 bytes",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
