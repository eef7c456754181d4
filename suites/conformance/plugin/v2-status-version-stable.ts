import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-status-version-stable",
  title: "Status names the same version in every poll and on every connection.",
  level: "MUST",
  invariants: ["K2-15"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["kms-v2"],
  remedy: "Let the version be a constant: kube-apiserver takes a change for a fault.",
  async run(subject) {
    const versions = new Set<string>();
    for (let poll = 0; poll < 20; poll++) versions.add((await subject.v2.status()).version);
    for (let reconnect = 0; reconnect < 5; reconnect++) {
      using other = subject.connectV2();
      versions.add((await other.status()).version);
    }
    const findings = new Findings();
    findings.add(versions.size === 1, {
      sent: "25 Status calls over 6 connections",
      received: `the versions ${[...versions].join(", ")}`,
      expected: "one version",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
