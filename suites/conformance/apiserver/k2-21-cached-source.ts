import { sumOf } from "../../../harness/load/metrics.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";

const reads = 10;

export const check = {
  id: "apiserver/k2-21-cached-source",
  title: "With KMS v2 a DEK source that was decrypted once is not decrypted again.",
  level: "MUST",
  invariants: ["K2-21"],
  source: "spec encryption-at-rest 2.6; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/cache.go",
  needs: ["configure", "store"],
  remedy: "Measure the calls of this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { kms, server } = stage;
    await server.succeed(server.create("sealed", "a value"));
    const first = kms.mark;
    await reseal(stage, "sealed", "kms-v2");
    await server.succeed(server.get("sealed"));
    // Answered once the watch cache read it, too.
    await server.succeed(server.list());
    const cold = kms.since(first, "Decrypt").length;
    const [before, mark] = [await server.metrics(), kms.mark];
    for (let read = 0; read < reads; read++) await server.succeed(server.get("sealed"));
    const decrypts = kms.since(mark, "Decrypt").length;
    const name = "apiserver_storage_envelope_transformation_cache_misses_total";
    const misses = sumOf(await server.metrics(), name) - sumOf(before, name);
    const findings = new Findings();
    findings.add(cold > 0, {
      sent: "the first GET of a Secret under a seed that the API server does not know",
      received: `${cold} Decrypt`,
      expected: "1 Decrypt or more",
    });
    findings.add(decrypts === 0 && misses === 0, {
      sent: `${reads} further GET of it`,
      received: `${decrypts} Decrypt, ${misses} cache misses in the metrics`,
      expected: "neither",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
