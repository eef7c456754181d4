import { type Metrics, sumOf } from "../../../harness/load/metrics.ts";
import { secretIn, wordsOf } from "../answers.ts";
import { type ApiserverSubject, startKnownServer } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";
import { createSealed } from "../offline.ts";
import { flipped, regionsOf } from "../regions.ts";

export const check = {
  id: "apiserver/lp-04-tampered",
  title: "A value of aesgcm, secretbox or a KMS of which one byte was changed, in any region, cannot be read.",
  level: "MUST",
  invariants: ["LP-04"],
  source: "spec encryption-at-rest 1.2, 2.3, 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["configure", "store"],
  remedy: "Do not trust what this API server reads from an etcd that others can write to.",
  async run(subject) {
    await using stage = await subject.stage();
    const known = await startKnownServer(stage, "kms-v2");
    const { server } = known;
    const findings = new Findings();
    for (const provider of ["aesgcm", "secretbox", "kms-v1", "kms-v2"] as const) {
      const stored = await createSealed(known, provider, provider);
      const whole = await server.get(provider);
      if (secretIn(whole) === undefined) {
        // Nor can it be judged further once it is known to be wrong.
        return findings.hasFailed ? findings.outcome() : inconclusive(`A value that nobody tampered with was not read: ${wordsOf(whole)}`);
      }
      for (const { region, at } of regionsOf(stored)) {
        await server.store.put(server.keyOf(provider), flipped(stored, at), server.signal);
        const before = failedReads(await server.metrics());
        const answer = await server.get(provider);
        const counted = failedReads(await server.metrics()) - before;
        findings.add(answer.status === 500 && counted > 0, {
          sent: `GET of a Secret of ${provider} with one byte changed in its ${region}`,
          received: `${wordsOf(answer)}; ${counted} failed reads in the metrics`,
          expected: "HTTP 500, and a failed read",
        });
      }
    }
    return findings.outcome(20);
  },
} satisfies Check<ApiserverSubject>;

function failedReads(metrics: Metrics): number {
  const name = "apiserver_storage_transformation_operations_total";
  const labels = { transformation_type: "from_storage" };
  return sumOf(metrics, name, labels) - sumOf(metrics, name, { ...labels, status: "OK" });
}
