import { expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import type { Phase } from "../harness/run/schema.ts";
import { serverCounters } from "./server-counters.ts";

const [start] = (await readRun("reports/fixtures/complete")).cells.flatMap(({ phases }) => phases);
if (start === undefined) throw new Error("The fixture has no phase.");

/** `title: growth in write, in read` of two phases in which these series grew. */
const counters = (write: Phase["server"], read: Phase["server"] = {}): string[] => {
  const phases: Phase[] = [
    { ...start, name: "write", server: write },
    { ...start, name: "read", server: read },
  ];
  return serverCounters({ phases }).map(({ title, growth }) => `${title}: ${growth.get("write")}, ${growth.get("read")}`);
};

const transformation = (labels: string) => `apiserver_storage_transformation_operations_total{resource="secrets",${labels}}`;
const kms = (labels: string) => `apiserver_envelope_encryption_kms_operations_latency_seconds_count{${labels},provider_name="kmsmark"}`;

it("counts transformations by direction and prefix", () => {
  const to = transformation(`status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:kms:v2:kmsmark:"`);
  const from = transformation(`status="OK",transformation_type="from_storage",transformer_prefix="k8s:enc:kms:v2:kmsmark:"`);
  expect(counters({ [to]: 50, [from]: 49 }, { [from]: 51 })).toEqual([
    "transformed from storage, k8s:enc:kms:v2:kmsmark:: 49, 51",
    "transformed to storage, k8s:enc:kms:v2:kmsmark:: 50, 0",
  ]);
});

it("says so where the server names no prefix", () => {
  const identity = transformation(`status="OK",transformation_type="to_storage",transformer_prefix=""`);
  expect(counters({ [identity]: 50 })).toEqual(["transformed to storage, no prefix: 50, 0"]);
});

it("counts failed transformations apart", () => {
  const labels = `transformation_type="from_storage",transformer_prefix="key1:"`;
  const server = { [transformation(`status="OK",${labels}`)]: 9, [transformation(`status="unknown-non-grpc",${labels}`)]: 2 };
  expect(counters(server)).toEqual(["transformed from storage, key1:: 9, 0", "transformed from storage, key1:, unknown-non-grpc: 2, 0"]);
});

it("adds up the series of several resources", () => {
  const labels = `status="OK",transformation_type="to_storage",transformer_prefix="key1:"}`;
  const name = "apiserver_storage_transformation_operations_total";
  expect(counters({ [`${name}{resource="secrets",${labels}`]: 3, [`${name}{resource="configmaps",${labels}`]: 4 })).toEqual([
    "transformed to storage, key1:: 7, 0",
  ]);
});

it("counts the KMS operations by method, and the failed ones apart", () => {
  const decrypt = `method_name="/v2.KeyManagementService/Decrypt"`;
  const server = { [kms(`grpc_status_code="OK",${decrypt}`)]: 10, [kms(`grpc_status_code="Unavailable",${decrypt}`)]: 1 };
  expect(counters(server, { [kms(`grpc_status_code="OK",method_name="/v2.KeyManagementService/Status"`)]: 1 })).toEqual([
    "KMS Decrypt: 10, 0",
    "KMS Decrypt, Unavailable: 1, 0",
    "KMS Status: 0, 1",
  ]);
});

it("counts cache misses and data keys, before the KMS operations", () => {
  const server = {
    [kms(`grpc_status_code="OK",method_name="/v2.KeyManagementService/Encrypt"`)]: 1,
    apiserver_storage_data_key_generation_duration_seconds_count: 1,
    apiserver_storage_data_key_generation_failures_total: 2,
    apiserver_storage_envelope_transformation_cache_misses_total: 3,
  };
  expect(counters(server)).toEqual([
    "cache misses: 3, 0",
    "data keys generated: 1, 0",
    "data keys not generated: 2, 0",
    "KMS Encrypt: 1, 0",
  ]);
});

it("leaves out buckets, sums, gauges and what other metrics count", () => {
  const labels = `{transformation_type="to_storage",transformer_prefix="key1:"}`;
  const server = {
    [`apiserver_storage_transformation_duration_seconds_count${labels}`]: 1,
    [`apiserver_storage_transformation_duration_seconds_sum${labels}`]: 0.1,
    apiserver_storage_data_key_generation_duration_seconds_sum: 0.1,
    'apiserver_storage_data_key_generation_duration_seconds_bucket{le="+Inf"}': 1,
    apiserver_envelope_encryption_dek_cache_fill_percent: 1,
    apiserver_storage_envelope_transformation_cache_misses_total_of_another_kind: 1,
  };
  expect(counters(server)).toEqual([]);
});

it("has nothing of a phase that the cell did not come to", () => {
  const phases: Phase[] = [{ ...start, name: "write", server: { apiserver_storage_data_key_generation_duration_seconds_count: 1 } }];
  expect(serverCounters({ phases }).map(({ growth }) => growth)).toEqual([new Map([["write", 1]])]);
});
