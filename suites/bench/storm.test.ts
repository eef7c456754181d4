import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { callsOf, measuredRun, unnamedIn } from "./measured-run.ts";
import { storm } from "./storm.ts";

it("asks as often as there are API servers", async () => {
  const options = {
    secrets: [5],
    providers: ["kms-v1"] as const,
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
  ]);
  expect(result.findings).toHaveLength(1);
  expect(unnamedIn(result, storm)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});
