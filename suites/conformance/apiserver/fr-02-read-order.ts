import { randomBytes } from "node:crypto";
import { buildStoredValue, openAesGcm, sealAesGcm } from "../../../harness/envelope/index.ts";
import { type Metrics, sumOf } from "../../../harness/load/metrics.ts";
import { secretIn, wordsOf } from "../answers.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const value = "a value under the second key";
const keyName = "key1";

export const check = {
  id: "apiserver/fr-02-read-order",
  title: "The first of two providers with one prefix writes; both are tried in their order on a read, and the metrics count each.",
  level: "MUST",
  invariants: ["FR-02"],
  source: "spec encryption-at-rest 0.4; k8s.io/apiserver pkg/storage/value/transformer.go",
  needs: ["configure", "store"],
  remedy: "Give every key a name of its own, so that it does not depend on the order which of them reads a value.",
  async run(subject) {
    await using stage = await subject.stage();
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const providers = [first, second].map((secret) => ({ kind: "aesgcm" as const, keys: [{ name: keyName, secret }] }));
    const server = await stage.startServer({ encryption: { resources: [{ resources: ["secrets"], providers }] } });
    const findings = new Findings();

    await server.succeed(server.create("one", value));
    const aad = Buffer.from(server.keyOf("one"));
    const written = (await server.stored("one")).value;
    if (written.kind !== "aesgcm") throw new Error(`A configuration with aesgcm alone stored by ${written.kind}.`);
    const plaintext = openedWith(first, written.body, aad);
    findings.add(plaintext !== undefined, {
      sent: "a Secret, with two aesgcm providers whose keys have one name",
      received: plaintext === undefined ? "a value that the first key does not open" : "a value that the first key opens",
      expected: "the first provider writes",
    });
    if (plaintext === undefined) return findings.outcome();

    const before = await server.metrics();
    const body = sealAesGcm(second, { plaintext, aad, random: (length) => Uint8Array.from(randomBytes(length)) });
    await server.store.put(server.keyOf("one"), buildStoredValue({ kind: "aesgcm", keyName, body }));
    const answer = await server.get("one");
    // A list is answered after the watch event of the change was taken in, which reads the value once more.
    await server.succeed(server.list());
    const after = await server.metrics();
    findings.add(secretIn(answer)?.value === value, {
      sent: "GET of the same Secret, which lies in etcd under the second key now",
      received: wordsOf(answer),
      expected: "HTTP 200 with the value: the failure of the first provider does not end the read",
    });
    const failed = readsIn(after, "failed") - readsIn(before, "failed");
    const succeeded = readsIn(after, "succeeded") - readsIn(before, "succeeded");
    findings.add(failed > 0 && failed === succeeded, {
      sent: "the same GET, and the watch event of the change",
      received: `transformation_operations_total from_storage of the prefix: ${failed} failed, ${succeeded} OK`,
      expected: "as many that failed, at the first provider, as are OK, at the second",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function readsIn(metrics: Metrics, which: "failed" | "succeeded"): number {
  const name = "apiserver_storage_transformation_operations_total";
  const labels = { transformation_type: "from_storage", transformer_prefix: "k8s:enc:aesgcm:v1:" };
  const succeeded = sumOf(metrics, name, { ...labels, status: "OK" });
  return which === "succeeded" ? succeeded : sumOf(metrics, name, labels) - succeeded;
}

function openedWith(key: Uint8Array, body: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
  try {
    return openAesGcm(key, body, aad).plaintext;
  } catch {
    return undefined;
  }
}
