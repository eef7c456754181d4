import { randomBytes } from "node:crypto";
import { sumOf } from "../../../harness/load/metrics.ts";
import { wordsOf } from "../answers.ts";
import { newAesGcm, secretsBy } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const message = "no matching prefix found";
/** Of a provider of another name, of a scheme that nobody has, of a local provider that is not configured. */
const prefixes = ["k8s:enc:kms:v2:nobody:", "k8s:enc:unheard-of:v1:key1:", "k8s:enc:secretbox:v1:key1:"];
const bodyBytes = 64;

export const check = {
  id: "apiserver/fr-06-unknown-prefix",
  title: "A value whose prefix no provider has cannot be read: HTTP 500, in kube-apiserver's words, and counted as unknown.",
  level: "MUST",
  invariants: ["FR-06"],
  source: "spec encryption-at-rest 0.4; k8s.io/apiserver pkg/storage/value/transformer.go",
  needs: ["configure", "store"],
  remedy: 'Watch transformer_prefix="unknown": it tells of values whose provider has left the configuration.',
  async run(subject) {
    await using stage = await subject.stage();
    const server = await stage.startServer({ encryption: secretsBy(newAesGcm()) });
    const findings = new Findings();
    for (const [index, prefix] of prefixes.entries()) {
      const name = `unknown-${index}`;
      await server.succeed(server.create(name, "a value"));
      await server.store.put(server.keyOf(name), Buffer.concat([Buffer.from(prefix), randomBytes(bodyBytes)]));
      const before = unknownIn(await server.metrics());
      const answer = await server.get(name);
      const counted = unknownIn(await server.metrics()) - before;
      findings.add(answer.status === 500 && answer.failure?.includes(message) === true, {
        sent: `GET of a Secret whose stored value begins with ${prefix}, which no provider has`,
        received: wordsOf(answer),
        expected: `HTTP 500 with: ${message}`,
      });
      findings.add(counted > 0, {
        sent: "the same GET",
        received: `transformation_operations_total{transformer_prefix="unknown"} grew by ${counted}`,
        expected: "growth by one for the GET, and one for each read by the watch cache meanwhile",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function unknownIn(metrics: Parameters<typeof sumOf>[0]): number {
  const labels = { transformation_type: "from_storage", transformer_prefix: "unknown" };
  return sumOf(metrics, "apiserver_storage_transformation_operations_total", labels);
}
