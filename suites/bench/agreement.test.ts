import { describe, expect, it } from "vitest";
import type { TapRecord } from "../../harness/kms/tap-record.ts";
import { parseMetrics } from "../../harness/load/metrics.ts";
import { agreements } from "./agreement.ts";
import { KmsTally } from "./kms-tally.ts";

function tallyOf(calls: readonly (Pick<TapRecord, "kms" | "method" | "purpose"> & { readonly grpcCode?: number })[]): KmsTally {
  const tally = new KmsTally();
  for (const [sequence, call] of calls.entries()) {
    tally.add({
      sequence,
      uid: "",
      keyId: "",
      requestBytes: 0,
      responseBytes: 0,
      startMs: 0,
      durationMs: 1,
      grpcCode: 0,
      fault: undefined,
      ...call,
    });
  }
  return tally;
}

const work = (kms: "v1" | "v2", method: TapRecord["method"]) => ({ kms, method, purpose: "work" as const });
const probe = (method: TapRecord["method"]) => ({ kms: "v1" as const, method, purpose: "probe" as const });

describe("the counts of tap and API server", () => {
  it("pairs KMS v2's calls by method with those of the same provider", () => {
    const name = "apiserver_envelope_encryption_kms_operations_latency_seconds_count";
    const label = (provider: string, method: string) =>
      `${name}{grpc_status_code="OK",method_name="/v2.KeyManagementService/${method}",provider_name="${provider}"}`;
    const server = parseMetrics(`${label("kmsmark", "Decrypt")} 3\n${label("other", "Decrypt")} 9\n${label("kmsmark", "Status")} 1\n`);
    const tap = tallyOf([work("v2", "Decrypt"), work("v2", "Decrypt"), work("v2", "Status")]);
    expect(agreements("kms-v2", tap, server)).toEqual([
      { what: "Status calls", tap: 1, server: 1 },
      { what: "Encrypt calls", tap: 0, server: 0 },
      { what: "Decrypt calls", tap: 2, server: 3 },
    ]);
  });

  it("leaves the health probes of KMS v1 out, as the server does", () => {
    const server = parseMetrics(
      "apiserver_storage_data_key_generation_duration_seconds_count 1\napiserver_storage_envelope_transformation_cache_misses_total 1\n",
    );
    const tap = tallyOf([work("v1", "Encrypt"), probe("Encrypt"), probe("Decrypt"), work("v1", "Decrypt"), work("v1", "Version")]);
    expect(agreements("kms-v1", tap, server).map((pair) => [pair.tap, pair.server])).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it("compares nothing of KMS v1 after a handshake that failed, for which the server counts what it never sends", () => {
    const server = parseMetrics("apiserver_storage_envelope_transformation_cache_misses_total 3\n");
    const failed = { ...work("v1", "Version"), grpcCode: 14 };
    expect(agreements("kms-v1", tallyOf([failed, work("v1", "Version"), work("v1", "Decrypt")]), server)).toEqual([]);
  });

  it("has nothing to compare where no KMS is called", () => {
    expect(agreements("aesgcm", new KmsTally(), new Map())).toEqual([]);
  });
});
