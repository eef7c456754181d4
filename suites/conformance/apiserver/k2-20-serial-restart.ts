import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { restartWithSources } from "../dek-sources.ts";
import { isBefore } from "../kubernetes-version.ts";

export const check = {
  id: "apiserver/k2-20-serial-restart",
  title: "With KMS v2 a restart that decodes one value at a time calls Decrypt once for each DEK source in etcd.",
  level: "MUST",
  invariants: ["K2-20"],
  source: "spec encryption-at-rest 6.4, 7; k8s.io/apiserver pkg/storage/etcd3/watcher.go (gate ConcurrentWatchObjectDecode)",
  needs: ["configure", "restart", "store"],
  remedy: "Measure the calls of a restart of this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.stage();
    // Before, there was no other way, and no gate.
    const featureGates = isBefore(subject.kubernetesVersion, { minor: 31 }) ? {} : { ConcurrentWatchObjectDecode: false };
    const { secrets, sources, decrypts } = await restartWithSources(stage, featureGates);
    const findings = new Findings();
    findings.add(decrypts === sources, {
      sent: `a restart with ${secrets} Secrets of ${sources} DEK sources, with ConcurrentWatchObjectDecode off`,
      received: `${decrypts} Decrypt`,
      expected: `${sources} Decrypt`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
