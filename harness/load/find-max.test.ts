import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { type FoundMax, findMax, type RateTrial, trialOf } from "./find-max.ts";
import { LatencyHistogram } from "./histogram.ts";

const at = (ratePerSecond: number, outcome: RateTrial["outcome"]): RateTrial => ({ ratePerSecond, outcome, latencyMs: 1 });
/** A server that bears so much, and a client that sends so much. */
const world =
  (edge: number, client = Number.POSITIVE_INFINITY) =>
  async (rate: number) =>
    at(rate, rate > client ? "client" : rate <= edge ? "holds" : "breaks");

describe("findMax", () => {
  it("finds the edge from wherever it begins, to its precision, in few trials", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 2, max: 5e5, noNaN: true }), fc.double({ min: 1, max: 1e6, noNaN: true }), async (edge, start) => {
        const { ratePerSecond, limit, trials } = await findMax({ startPerSecond: start, trial: world(edge) });
        expect(limit).toBe("threshold");
        expect(ratePerSecond).toBeLessThanOrEqual(edge);
        expect(ratePerSecond).toBeGreaterThan(edge / 1.0501);
        expect(trials.length).toBeLessThan(80);
      }),
    );
  });

  it("does not take the client's edge for the server's", async () => {
    const found = await findMax({ startPerSecond: 100, trial: world(5000, 3000) });
    expect(found.limit).toBe("client");
    expect(found.ratePerSecond).toBeLessThanOrEqual(3000);
  });

  it("says that it ended where it was to end", async () => {
    expect(await findMax({ startPerSecond: 100, mostPerSecond: 700, trial: world(5000) })).toMatchObject({
      ratePerSecond: 700,
      limit: "most",
    });
  });

  it.each<["breaks" | "client", FoundMax["limit"]]>([
    ["breaks", "threshold"],
    ["client", "client"],
  ])("has no rate where nothing holds: %s", async (outcome, limit) => {
    const found = await findMax({ startPerSecond: 8, trial: async (rate) => at(rate, outcome) });
    expect(found).toMatchObject({ ratePerSecond: null, limit });
    expect(found.trials.map(({ ratePerSecond }) => ratePerSecond)).toEqual([8, 4, 2, 1].flatMap((rate) => [rate, rate, rate]));
  });

  it("is not led astray by single trials that break by chance", async () => {
    const random = new Random("find-max");
    const found = await findMax({
      startPerSecond: 1000,
      repeats: 5,
      trial: async (rate) => at(rate, rate <= 10_000 && random.fraction() > 0.1 ? "holds" : "breaks"),
    });
    expect(found.ratePerSecond).toBeGreaterThan(7000);
    expect(found.ratePerSecond).toBeLessThanOrEqual(10_000);
  });

  it("refuses what makes no search", async () => {
    await expect(findMax({ startPerSecond: 0, trial: world(1) })).rejects.toThrow(RangeError);
    await expect(findMax({ startPerSecond: 1, repeats: 2, trial: world(1) })).rejects.toThrow(RangeError);
  });
});

describe("trialOf", () => {
  const latency = LatencyHistogram.empty();
  for (let ms = 1; ms <= 100; ms++) latency.recordMs(ms);
  const fine = { latency, failed: 0, dropped: 0, durationMs: 1000 };
  const idle = { cpuMs: 100, sendDelayMsP99: 0.1 };
  const below = (limitMs: number) => ({ text: "", percent: 50, limitMs });

  it.each([
    ["holds below the limit", below(51), fine, idle, "holds"],
    ["breaks at it", below(50), fine, idle, "breaks"],
    ["breaks when a request failed", below(51), { ...fine, failed: 1 }, idle, "breaks"],
    ["breaks when one was not sent", below(51), { ...fine, dropped: 1 }, idle, "breaks"],
    ["breaks when none succeeded", below(51), { ...fine, latency: LatencyHistogram.empty() }, idle, "breaks"],
    ["is the client's when its core is full", below(50), fine, { ...idle, cpuMs: 900 }, "client"],
    ["is the client's when it sent late", below(50), fine, { ...idle, sendDelayMsP99: 17 }, "client"],
    ["holds though the client is full", below(51), fine, { ...idle, cpuMs: 990 }, "holds"],
  ] as const)("%s", (_, threshold, result, client, outcome) => {
    expect(trialOf(threshold, 7, result, client)).toMatchObject({ ratePerSecond: 7, outcome });
  });
});
