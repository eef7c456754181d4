import { sumOf } from "../../../harness/load/metrics.ts";
import { startWithKms, workSince } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const cacheSize = 10;
const secrets = 25;

export const check = {
  id: "apiserver/k1-05-cache-overrun",
  title: "With KMS v1, reading more Secrets in turn than the cache holds calls Decrypt for each of them, every time.",
  level: "MUST",
  invariants: ["K1-05"],
  source: "spec encryption-at-rest 1.3; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure", "restart"],
  remedy: "Measure the calls of this API server before you plan a quota for it: its cache is not the one that was checked.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server } = await startWithKms(stage, "v1", { cacheSize });
    for (let index = 0; index < secrets; index++) await server.succeed(server.create(`scan-${index}`, `value ${index}`));
    await server.succeed(server.list());
    const findings = new Findings();
    for (const round of ["first", "second"]) {
      const [before, mark] = [await server.metrics(), kms.mark];
      for (let index = 0; index < secrets; index++) await server.succeed(server.get(`scan-${index}`));
      const decrypts = workSince(kms, mark, "Decrypt").length;
      const name = "apiserver_storage_envelope_transformation_cache_misses_total";
      const misses = sumOf(await server.metrics(), name) - sumOf(before, name);
      findings.add(decrypts === secrets && misses === secrets, {
        sent: `GET of ${secrets} Secrets in turn for the ${round} time, with a cachesize of ${cacheSize}`,
        received: `${decrypts} Decrypt calls, ${misses} cache misses in the metrics`,
        expected: `${secrets} of both`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
