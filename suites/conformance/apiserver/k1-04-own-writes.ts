import { sumOf } from "../../../harness/load/metrics.ts";
import { workSince } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const secrets = 20;

export const check = {
  id: "apiserver/k1-04-own-writes",
  title: "With KMS v1 an API server reads what it wrote itself without a Decrypt, as long as its cache has room.",
  level: "MUST",
  invariants: ["K1-04"],
  source: "spec encryption-at-rest 1.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure"],
  remedy: "Raise `cachesize` above the number of Secrets, or go to KMS v2.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    const [before, mark] = [await server.metrics(), kms.mark];
    for (let index = 0; index < secrets; index++) await server.succeed(server.create(`own-${index}`, `value ${index}`));
    for (let index = 0; index < secrets; index++) await server.succeed(server.get(`own-${index}`));
    // Answered once the watch events of all writes were read.
    await server.succeed(server.list());
    const decrypts = workSince(kms, mark, "Decrypt").length;
    const name = "apiserver_storage_envelope_transformation_cache_misses_total";
    const misses = sumOf(await server.metrics(), name) - sumOf(before, name);
    const findings = new Findings();
    findings.add(decrypts === 0 && misses === 0, {
      sent: `${secrets} POST, and a GET of each`,
      received: `${decrypts} Decrypt calls, ${misses} cache misses in the metrics`,
      expected: "neither",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
