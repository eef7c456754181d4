import { expect, it } from "vitest";
import type { BenchProvider, Result } from "../../harness/run/schema.ts";
import { verdicts } from "../../harness/run/verdict.ts";
import { describeReal } from "../../harness/target/real-test.ts";
import { callsOf, measuredRun } from "./measured-run.ts";

const providers: readonly BenchProvider[] = ["kms-v2", "kms-v1"];
const options = {
  secrets: [50],
  providers,
  cacheSize: 1000,
  // With the first, a restart decodes one value at a time, and the number of its Decrypt calls is exact (spec encryption-at-rest 7).
  featureGates: { ConcurrentWatchObjectDecode: false, DetectCacheInconsistency: false },
};

function faultsOf(result: Result): string[] {
  return verdicts(result).sentences.flatMap(({ text, isFault }) => (isFault ? [text] : []));
}

await describeReal("processes", "the lifecycle on kube-apiserver as processes", () => {
  it("costs as many KMS calls in each phase as on the embedded target", async () => {
    const [real, model] = [await measuredRun("processes", options), await measuredRun("embedded", options)];
    expect([faultsOf(real), faultsOf(model)]).toEqual([[], []]);
    expect(real.cells.map(callsOf)).toEqual(model.cells.map(callsOf));
    expect(real.cells.map(callsOf)).toEqual([
      ["start: Encrypt 1", "restart: Encrypt 1", "restart: Decrypt 1"],
      ["write: Encrypt 50", "update: Encrypt 49", "restart: Decrypt 50"],
    ]);
  });

  it("does so where KMS v1's cache is smaller than the population", async () => {
    const small = { ...options, providers: ["kms-v1"] as const, cacheSize: 10 };
    const [real, model] = [await measuredRun("processes", small), await measuredRun("embedded", small)];
    expect([faultsOf(real), faultsOf(model)]).toEqual([[], []]);
    expect(real.cells.map(callsOf)).toEqual(model.cells.map(callsOf));
  });

  // aesgcm and secretbox are measured by the README's commands, which end with 1 when an envelope is wrong.
  it("stores envelopes of the local providers that decrypt independently", async () => {
    const result = await measuredRun("processes", { ...options, secrets: [20], providers: ["identity", "aescbc"] });
    expect(faultsOf(result)).toEqual([]);
    expect(result.cells.map(({ envelopes }) => envelopes?.right)).toEqual([20, 20]);
  });
});

await describeReal("containers", "the lifecycle on kube-apiserver in containers", () => {
  it("measures both KMS versions, and finds nothing wrong", async () => {
    const result = await measuredRun("containers", options);
    expect(faultsOf(result)).toEqual([]);
    expect(result.cells.map(callsOf)).toEqual([
      ["start: Encrypt 1", "restart: Encrypt 1", "restart: Decrypt 1"],
      ["write: Encrypt 50", "update: Encrypt 49", "restart: Decrypt 50"],
    ]);
  });
});
