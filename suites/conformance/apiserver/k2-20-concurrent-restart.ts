import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { restartWithSources } from "../dek-sources.ts";
import { isBefore } from "../kubernetes-version.ts";

/** Values that are decoded at once, of which each may find the cache still empty. */
const decodedAtOnce = 10;

export const check = {
  id: "apiserver/k2-20-concurrent-restart",
  title: "With KMS v2 a restart that decodes ten values at a time calls Decrypt one to ten times for each DEK source in etcd.",
  level: "MUST",
  invariants: ["K2-20"],
  source: "spec encryption-at-rest 6.4, 7; k8s.io/apiserver pkg/storage/etcd3/watcher.go (gate ConcurrentWatchObjectDecode)",
  needs: ["configure", "restart", "store"],
  remedy: "Measure the calls of a restart of this API server before you plan a quota for it.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 31 })) return notApplicable("Before Kubernetes 1.31 one value is decoded at a time.");
    await using stage = await subject.stage();
    const { secrets, sources, decrypts } = await restartWithSources(stage, { ConcurrentWatchObjectDecode: true });
    const findings = new Findings();
    findings.add(decrypts >= sources && decrypts <= decodedAtOnce * sources, {
      sent: `a restart with ${secrets} Secrets of ${sources} DEK sources, with ConcurrentWatchObjectDecode on`,
      received: `${decrypts} Decrypt`,
      expected: `${sources} to ${decodedAtOnce * sources} Decrypt`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
