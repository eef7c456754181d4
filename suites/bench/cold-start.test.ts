import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { coldStart, decodedAtOnce } from "./cold-start.ts";
import { callsOf, measuredRun, unnamedIn } from "./measured-run.ts";

it("restarts with one DEK source and with two, and counts what the model does", async () => {
  const own = { "dek-sources": "1,2" };
  const options = { secrets: [8], providers: ["kms-v2"] as const, kmsLatenciesMs: [0], own };
  const result = await measuredRun("embedded", options, coldStart);
  expect(result.cells.map(({ parameters }) => parameters)).toEqual([
    { kmsLatencyMs: 0, dekSources: 1 },
    { kmsLatencyMs: 0, dekSources: 2 },
  ]);
  expect(result.cells.map(callsOf)).toEqual([
    ["restart: Encrypt 1", "restart: Decrypt 1"],
    ["restart: Encrypt 1", "restart: Decrypt 2"],
  ]);
  expect(result.cells[1]?.phases[0]?.predictions).toEqual([
    { what: "DEK sources in the store", seen: 2, least: 2, most: 2 },
    { what: "Encrypt calls", seen: 1, least: 1, most: 1 },
    { what: "Decrypt calls", seen: 2, least: 2, most: 2 },
  ]);
  expect(result.findings.map(({ text }) => text.replaceAll(/\d+\.\d s/g, "… s"))).toEqual([
    "KMS v2, 8 Secrets: a restart with 1 DEK source: 1 Decrypt and … s at 0 ms; with 2 DEK sources: 2 Decrypt and … s at 0 ms of KMS latency. " +
      "The first reads after it cost 0 more.",
  ]);
  expect(unnamedIn(result, coldStart)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});

it("reads everything once more under KMS v1 where half of it fits into the cache", async () => {
  const result = await measuredRun("embedded", { secrets: [6], providers: ["kms-v1"], kmsLatenciesMs: [0] }, coldStart);
  expect(result.cells.map(callsOf)).toEqual([["restart: Decrypt 6"], ["restart: Decrypt 6", "cold: Decrypt 6"]]);
  expect(unnamedIn(result, coldStart)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});

it("knows which API servers decode ten values at once", () => {
  const of = (kubernetesVersion: string, featureGates: Record<string, boolean>, kind: string) =>
    decodedAtOnce({ options: { kubernetesVersion, featureGates }, target: { kind } });
  expect([
    of("v1.37.2", {}, "processes"),
    of("v1.36.3", {}, "processes"),
    of("v1.37.2", {}, "embedded"),
    of("v1.37.2", { ConcurrentWatchObjectDecode: false }, "processes"),
    of("v1.34.4", { ConcurrentWatchObjectDecode: true }, "containers"),
  ]).toEqual([10, 1, 1, 1, 10]);
});
