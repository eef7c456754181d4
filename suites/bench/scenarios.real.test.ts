import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { describeReal } from "../../harness/target/real-test.ts";
import { coldStart } from "./cold-start.ts";
import { callsOf, measuredRun } from "./measured-run.ts";
import { storm } from "./storm.ts";

// One value at a time, so that every count is exact (spec encryption-at-rest 7), and nothing that reads by itself.
const featureGates = { ConcurrentWatchObjectDecode: false, DetectCacheInconsistency: false };

await describeReal("processes", "scenarios on kube-apiserver as processes", () => {
  it("restarts as the model says, by the number of DEK sources", async () => {
    const own = { "dek-sources": "2" };
    const options = { secrets: [12], providers: ["kms-v2"] as const, kmsLatenciesMs: [20], featureGates, own };
    const result = await measuredRun("processes", options, coldStart);
    expect(verdicts(result).sentences.filter(({ isFault }) => isFault)).toEqual([]);
    expect(result.cells.map(callsOf)).toEqual([["restart: Encrypt 1", "restart: Decrypt 2"]]);
    expect(result.cells.flatMap(({ phases }) => phases.map(({ predictions }) => predictions.length))).toEqual([3, 1]);
  });

  it("starts two API servers at once as the model says", async () => {
    const own = { "shared-quota": "1000" };
    const options = { secrets: [12], providers: ["kms-v2"] as const, kmsLatenciesMs: [], apiServers: 2, featureGates, own };
    const result = await measuredRun("processes", options, storm);
    expect(verdicts(result).sentences.filter(({ isFault }) => isFault)).toEqual([]);
    expect(result.cells.map(callsOf)).toEqual([
      ["restart: Encrypt 1", "restart: Decrypt 1"],
      ["restart: Encrypt 2", "restart: Decrypt 2"],
    ]);
  });
});
