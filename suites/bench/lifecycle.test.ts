import { describe, expect, it } from "vitest";
import { benchProviders, type Phase } from "../../harness/run/schema.ts";
import { verdicts } from "../../harness/run/verdict.ts";
import { lifecyclePhases } from "./lifecycle.ts";
import { callsOf, measuredRun } from "./measured-run.ts";

describe("the lifecycle on the embedded target", () => {
  it("runs every phase of every provider, and finds nothing wrong", async () => {
    const result = await measuredRun("embedded", { secrets: [12], providers: benchProviders, cacheSize: 1000, featureGates: {} });
    expect(result.cells.map(({ provider }) => provider)).toEqual(benchProviders);
    for (const { phases, envelopes } of result.cells) {
      expect(phases.map(({ name }) => name)).toEqual(lifecyclePhases);
      expect(envelopes).toMatchObject({ total: 12, right: 12, wrong: [] });
      for (const { requests } of phases) expect(requests).toMatchObject({ ok: requests.due, failed: 0, dropped: 0 });
      for (const phase of phases) expect(countsInTime(phase)).toEqual(countsOf(phase));
    }
    expect(verdicts(result).exitCode).toBe(0);
  });

  it("costs KMS v1 an Encrypt a write, and more Decrypts where the cache is too small", async () => {
    const { cells } = await measuredRun("embedded", { secrets: [12], providers: ["kms-v1"], cacheSize: 4, featureGates: {} });
    // One of the twelve has no values, so that its update writes nothing.
    expect(cells.map(callsOf)).toEqual([
      [
        "write: Encrypt 12",
        "read: Decrypt 12",
        "update: Encrypt 11",
        "update: Decrypt 1",
        "noop: Decrypt 12",
        "restart: Decrypt 12",
        "cold: Decrypt 12",
        "delete: Decrypt 12",
      ],
    ]);
  });

  it("has three API servers on one store, told apart by the taps before their KMS", async () => {
    const result = await measuredRun("embedded", { secrets: [6], providers: ["kms-v2"], apiServers: 3 });
    expect(verdicts(result).sentences.filter(({ isFault }) => isFault)).toEqual([]);
    expect(result.cells.map(({ parameters }) => parameters)).toEqual([{ apiServers: 3 }]);
    // Each has a DEK source of its own, and decrypts those of all three when it starts again.
    const restart = result.cells[0]?.phases.find(({ name }) => name === "restart");
    expect(restart?.figures).toEqual({ apiServer1KmsCalls: 4, apiServer2KmsCalls: 4, apiServer3KmsCalls: 4 });
    expect(restart?.agreements.map(({ what, tap, server }) => [what, tap, server])).toEqual([
      ["Status calls", 3, 3],
      ["Encrypt calls", 3, 3],
      ["Decrypt calls", 9, 9],
    ]);
  });
});

/** What was sent and called, added up over the steps of the phase's time. */
function countsInTime({ timeline }: Phase) {
  const calls = Object.entries(timeline?.kms ?? {}).map(([method, steps]) => [method, steps.reduce((sum, step) => sum + step.calls, 0)]);
  return { ok: timeline?.load.reduce((sum, step) => sum + step.ok, 0), calls: Object.fromEntries(calls) };
}

function countsOf({ requests, kms }: Phase) {
  return { ok: requests.ok, calls: Object.fromEntries(Object.entries(kms ?? {}).map(([method, { calls }]) => [method, calls])) };
}
