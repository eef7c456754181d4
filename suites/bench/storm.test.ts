import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { callsOf, measuredRun } from "./measured-run.ts";
import { storm } from "./storm.ts";

it("asks as often as there are API servers", async () => {
  const options = {
    secrets: [5],
    providers: ["kms-v1", "kms-v2"] as const,
    kmsLatenciesMs: [0],
    apiServers: 2,
    own: { "shared-quota": "1000" },
  };
  const result = await measuredRun("embedded", options, storm);
  expect(result.cells.map((cell) => [cell.provider, cell.parameters, ...callsOf(cell)])).toEqual([
    ["kms-v1", { apiServers: 1, kmsLatencyMs: 0 }, "restart: Decrypt 5"],
    ["kms-v1", { apiServers: 1, quotaPerSecond: 1000 }, "restart: Decrypt 5"],
    ["kms-v1", { apiServers: 2, kmsLatencyMs: 0 }, "restart: Decrypt 10"],
    ["kms-v1", { apiServers: 2, quotaPerSecond: 1000 }, "restart: Decrypt 10"],
    ["kms-v2", { apiServers: 1, kmsLatencyMs: 0 }, "restart: Encrypt 1", "restart: Decrypt 1"],
    ["kms-v2", { apiServers: 1, quotaPerSecond: 1000 }, "restart: Encrypt 1", "restart: Decrypt 1"],
    ["kms-v2", { apiServers: 2, kmsLatencyMs: 0 }, "restart: Encrypt 2", "restart: Decrypt 2"],
    ["kms-v2", { apiServers: 2, quotaPerSecond: 1000 }, "restart: Encrypt 2", "restart: Decrypt 2"],
  ]);
  expect(result.findings).toHaveLength(2);
  expect(verdicts(result).exitCode).toBe(0);
});
