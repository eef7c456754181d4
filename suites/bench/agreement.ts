import { methodPaths } from "../../harness/kms/contract.ts";
import { type Metrics, sumOf } from "../../harness/load/metrics.ts";
import type { Agreement, BenchProvider } from "../../harness/run/schema.ts";
import type { KmsTally } from "./kms-tally.ts";
import { kmsProviderName } from "./provider-configuration.ts";

/**
 * Pairs each KMS count of the tap with what the API server counted by itself in the same time. KMS v2 has a metric of its calls by method;
 * KMS v1 has none, but generates a DEK before each Encrypt and calls Decrypt at each miss of its cache, and its health probes touch neither
 * (spec encryption-at-rest 5).
 * @param names - of the KMS v2 providers in the configuration that stand behind the tap
 */
export function agreements(
  provider: BenchProvider,
  tap: KmsTally,
  server: Metrics,
  names: readonly string[] = [kmsProviderName],
): Agreement[] {
  switch (provider) {
    case "kms-v2":
      return (["Status", "Encrypt", "Decrypt"] as const).map((method) => ({
        what: `${method} calls`,
        tap: tap.work(method),
        server: names.reduce((sum, name) => sum + callsOf(server, name, methodPaths.v2[method]), 0),
      }));
    case "kms-v1":
      // What waits for a handshake that fails is counted by the server and never sent (spec encryption-at-rest 1.1).
      if (tap.failed("Version") > 0) return [];
      return [
        {
          what: "Encrypt calls (the server: data keys generated)",
          tap: tap.work("Encrypt"),
          server: sumOf(server, "apiserver_storage_data_key_generation_duration_seconds_count"),
        },
        {
          what: "Decrypt calls (the server: cache misses)",
          tap: tap.work("Decrypt"),
          server: sumOf(server, "apiserver_storage_envelope_transformation_cache_misses_total"),
        },
      ];
    default:
      return [];
  }
}

function callsOf(server: Metrics, provider: string, method: string): number {
  return sumOf(server, "apiserver_envelope_encryption_kms_operations_latency_seconds_count", {
    provider_name: provider,
    method_name: method,
  });
}
