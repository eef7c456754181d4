import fc from "fast-check";
import { expect, it } from "vitest";
import { LatencyHistogram } from "../load/histogram.ts";
import { Distribution, rankOf } from "./distribution.ts";

function latencyOf(values: readonly number[]) {
  const histogram = LatencyHistogram.empty();
  for (const value of values) histogram.recordNs(value);
  const latency = histogram.toLatency();
  if (latency === null) throw new Error("nothing was recorded");
  return latency;
}

const durations = fc.array(fc.integer({ min: 0, max: 5_000_000_000 }), { minLength: 1, maxLength: 200 });

it("reads the same quantiles as the histogram", () => {
  fc.assert(
    fc.property(durations, fc.constantFrom(1, 50, 90, 99, 99.9, 100), (values, percent) => {
      const latency = latencyOf(values);
      expect(Distribution.of([latency]).quantile(percent)).toBe(LatencyHistogram.fromLatency(latency).quantileNs(percent));
    }),
    { numRuns: 25 },
  );
});

it("holds those of several together, and counts what is above a value", () => {
  const distribution = Distribution.of([latencyOf([1, 2, 3]), latencyOf([3, 4])]);
  expect([1, 2, 3, 4, 5].map((rank) => distribution.atRank(rank))).toEqual([1, 2, 3, 3, 4]);
  expect([0, 1, 2.5, 3, 4].map((ns) => distribution.above(ns))).toEqual([5, 4, 3, 1, 0]);
  expect(Distribution.of([]).count).toBe(0);
});

it.each([
  [50, 10, 5],
  [50, 11, 6],
  [99, 100, 99],
  [99.9, 1000, 999],
  [1, 10, 1],
])("takes the nearest rank: p%d of %d is %d", (percent, count, rank) => {
  expect(rankOf(percent, count)).toBe(rank);
});

it("says that a histogram is none", () => {
  expect(() => Distribution.of([{ ...latencyOf([1]), histogram: "HISTFAAAA" }])).toThrow(
    expect.objectContaining({ code: "histogram-unreadable" }),
  );
});
