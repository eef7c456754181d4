import { type Check, Findings } from "../check.ts";
import { rotated } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-rotate-keyid",
  title: "A rotation changes the key_id.",
  level: "MUST",
  invariants: ["K2-09"],
  source: "KEP-3299; spec encryption-at-rest 2.5, 2.7; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2", "rotate"],
  remedy: "Derive the key_id from the key version: without a new one kube-apiserver never uses the new key, and no object becomes stale.",
  async run(subject) {
    const change = await rotated(subject);
    const findings = new Findings();
    findings.add(change !== undefined, {
      sent: "a rotation, and Status for 20 s",
      received: change === undefined ? "the same key_id" : "another key_id",
      expected: "another key_id",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
