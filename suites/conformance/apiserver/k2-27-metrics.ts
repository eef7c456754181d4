import { createHash } from "node:crypto";
import { methodPaths } from "../../../harness/kms/contract.ts";
import { sumOf } from "../../../harness/load/metrics.ts";
import type { TestServer } from "../apiserver-server.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";
import type { KmsCall, ScriptedKms } from "../scripted-kms.ts";

const secrets = 5;
const attempts = 5;

export const check = {
  id: "apiserver/k2-27-metrics",
  title: "With KMS v2 metrics name a key_id by its SHA-256 and count the calls that the plugin saw.",
  level: "MUST",
  invariants: ["K2-27"],
  source: "spec encryption-at-rest 5; k8s.io/apiserver pkg/storage/value/encrypt/envelope/metrics/metrics.go",
  needs: ["configure", "store"],
  remedy: "Do not alert on the metrics of this API server before you know what they count.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { kms, names, server } = stage;
    const hash = `sha256:${createHash("sha256").update(kms.keyId).digest("hex")}`;
    const before = await server.metrics();
    for (let index = 0; index < secrets; index++) {
      await server.succeed(server.create(`counted-${index}`, "a value"));
      await reseal(stage, `counted-${index}`, "kms-v2");
      await server.succeed(server.get(`counted-${index}`));
    }
    const after = await server.metrics();
    const findings = new Findings();
    for (const [type, least] of [
      ["to_storage", secrets],
      ["from_storage", secrets],
    ] as const) {
      const name = "apiserver_envelope_encryption_key_id_hash_total";
      const labels = { transformation_type: type, provider_name: names["kms-v2"] };
      const counted = sumOf(after, name, { ...labels, key_id_hash: hash }) - sumOf(before, name, { ...labels, key_id_hash: hash });
      const others = sumOf(after, name, labels) - sumOf(before, name, labels) - counted;
      findings.add(counted >= least && others === 0, {
        sent: `${secrets} POST, and GET of each`,
        received: `key_id_hash_total{transformation_type="${type}"} grew by ${counted} for the SHA-256 of the key_id, by ${others} for others`,
        expected: `${least} or more for the SHA-256 of the key_id, nothing for others`,
      });
    }
    for (const method of ["Status", "Encrypt", "Decrypt"] as const) {
      const { counted, seen } = await compare(server, kms, { provider: names["kms-v2"], method });
      findings.add(counted === seen && seen > 0, {
        sent: `everything since the start that calls ${method}`,
        received: `kms_operations_latency_seconds_count ${counted}, and ${seen} calls that the plugin saw`,
        expected: "the same number",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** What the API server counted and the plugin saw, of a moment in which no call was under way if there is one. */
async function compare(
  server: TestServer,
  kms: ScriptedKms,
  { provider, method }: { readonly provider: string; readonly method: Exclude<KmsCall["method"], "Version"> },
): Promise<{ readonly counted: number; readonly seen: number }> {
  const labels = { provider_name: provider, method_name: methodPaths.v2[method] };
  for (let attempt = 1; ; attempt++) {
    const seen = kms.calls.filter((call) => call.kms === "v2" && call.method === method).length;
    const counted = sumOf(await server.metrics(), "apiserver_envelope_encryption_kms_operations_latency_seconds_count", labels);
    if (counted === seen || attempt === attempts) return { counted, seen };
  }
}
