import { type Metrics, sumOf } from "../../../harness/load/metrics.ts";
import { secretsBy } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";

const secrets = 30;
const cacheSize = 10;
/** 5 to 7.5 minutes after the last one, and the time that it takes. */
const waitMs = { withinMs: 470_000, everyMs: 5_000 };

export const check = {
  id: "apiserver/rd-03-consistency-reads",
  title:
    "An API server that nobody asks reads every Secret from etcd within 7.5 minutes, and with KMS v1 decrypts what its cache has no room for.",
  level: "MUST",
  invariants: ["RD-03"],
  source: "spec encryption-at-rest 6.4; k8s.io/apiserver pkg/storage/cacher (consistency checks, gate DetectCacheInconsistency)",
  needs: ["configure", "clock"],
  waitMsMax: waitMs.withinMs,
  remedy: "Take this into account when you count KMS v1 calls, or start the API server with DetectCacheInconsistency=false.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 34 }))
      return notApplicable("The watch cache is compared with etcd since Kubernetes 1.34.");
    await using stage = await subject.stage();
    const kms = await stage.startKms();
    const provider = { kind: "kms", apiVersion: "v1", name: "one", socket: kms.socket, cacheSize } as const;
    const server = await stage.startServer({ encryption: secretsBy(provider), featureGates: { DetectCacheInconsistency: true } });
    for (let index = 0; index < secrets; index++) await server.succeed(server.create(`idle-${index}`, `value ${index}`));
    // Answered once the watch events of all of them were read.
    await server.succeed(server.list());

    const before = await server.metrics();
    const mark = kms.mark;
    const hasRead = await stage.until(async () => readsIn(await server.metrics()) >= readsIn(before) + secrets, waitMs);
    const read = readsIn(await server.metrics()) - readsIn(before);
    const decrypted = kms.since(mark, "Decrypt").length;
    const findings = new Findings();
    findings.add(hasRead && read === secrets, {
      sent: `nothing, to an API server with ${secrets} Secrets`,
      received: `${read} reads from storage, by its metrics`,
      expected: `${secrets} within 7.5 minutes: each Secret once`,
    });
    findings.add(decrypted === secrets, {
      sent: `the same, with KMS v1 and a cache for ${cacheSize} DEKs`,
      received: `${decrypted} Decrypt calls`,
      expected: `${secrets}: a scan in order of more than the cache holds finds nothing in it`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function readsIn(metrics: Metrics): number {
  const labels = { transformation_type: "from_storage", transformer_prefix: "k8s:enc:kms:v1:one:" };
  return sumOf(metrics, "apiserver_storage_transformation_operations_total", labels);
}
