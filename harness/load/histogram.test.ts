import fc from "fast-check";
import { build, encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { describe, expect, it } from "vitest";
import { RunFolderError } from "../errors.ts";
import { type Latency, latencySchema } from "../run/schema.ts";
import { LatencyHistogram } from "./histogram.ts";

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = LatencyHistogram.empty();
  for (const value of values) histogram.recordNs(value);
  return histogram;
}

function latencyOf(values: readonly number[]): Latency {
  const latency = histogramOf(values).toLatency();
  if (latency === null) throw new Error("nothing was recorded");
  return latency;
}

/** The nearest rank, by integers alone. */
function exactQuantile(values: readonly number[], permille: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil((permille * values.length) / 1000)) - 1] ?? Number.NaN;
}

/** From nanoseconds to an hour, each order of magnitude as often as the other. */
const durationsNs = fc
  .array(
    fc.double({ min: 0, max: Math.log(3_600_000_000_000), noNaN: true }).map((log) => Math.floor(Math.exp(log))),
    { minLength: 1, maxLength: 300 },
  )
  .filter((values) => values.length > 0);

describe("LatencyHistogram", () => {
  it("gives exact figures up to 2047 ns", () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect(latencyOf(values)).toMatchObject({ count: 1000, min: 1, mean: 500.5, p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
  });

  it("is at most 0.1 % above the exact quantile and never below it", () => {
    fc.assert(
      fc.property(durationsNs, fc.constantFrom(1, 10, 250, 500, 900, 990, 999, 1000), (values, permille) => {
        const exact = exactQuantile(values, permille);
        const read = histogramOf(values).quantileNs(permille / 10);
        expect(read).toBeGreaterThanOrEqual(exact);
        expect(read).toBeLessThanOrEqual(exact * 1.001);
      }),
    );
  });

  it("keeps count, minimum, maximum and mean exactly", () => {
    fc.assert(
      fc.property(durationsNs, (values) => {
        const sum = values.reduce((total, value) => total + value, 0);
        expect(latencyOf(values)).toMatchObject({
          count: values.length,
          min: Math.min(...values),
          max: Math.max(...values),
          mean: sum / values.length,
        });
      }),
    );
  });

  it("adds up as if all had been recorded in one", () => {
    fc.assert(
      fc.property(durationsNs, durationsNs, (some, others) => {
        const merged = histogramOf(some);
        merged.merge(histogramOf(others));
        expect(merged.toLatency()).toEqual(latencyOf([...some, ...others]));
      }),
    );
  });

  it("survives the run folder", () => {
    fc.assert(
      fc.property(durationsNs, (values) => {
        const latency = latencyOf(values);
        const kept = latencySchema.parse(JSON.parse(JSON.stringify(latency)));
        const read = LatencyHistogram.fromLatency(kept).toLatency();
        expect(read).toEqual({ ...latency, mean: read?.mean });
        expect(read?.mean).toBeCloseTo(latency.mean, 3);
      }),
    );
  });

  it("is the library's own histogram to who reads it", () => {
    fc.assert(
      fc.property(durationsNs, (values) => {
        const library = build({
          bitBucketSize: 32,
          autoResize: false,
          highestTrackableValue: 3_600_000_000_000,
          numberOfSignificantValueDigits: 3,
        });
        for (const value of values) library.recordValue(value);
        expect(latencyOf(values).histogram).toBe(encodeIntoCompressedBase64(library));
      }),
    );
  });

  it("survives being made compact", () => {
    fc.assert(
      fc.property(durationsNs, (values) => {
        expect(LatencyHistogram.fromCompact(histogramOf(values).toCompact()).toLatency()).toEqual(latencyOf(values));
      }),
    );
  });

  it("has no latency when nothing was recorded", () => {
    expect(LatencyHistogram.empty().toLatency()).toBeNull();
  });

  it("counts what took longer than an hour as an hour", () => {
    expect(latencyOf([9e15])).toMatchObject({ count: 1, p50: 3_600_000_000_000, max: 3_600_000_000_000 });
  });

  it("rounds milliseconds to nanoseconds", () => {
    const histogram = LatencyHistogram.empty();
    histogram.recordMs(0.0012344);
    expect(histogram.toLatency()).toMatchObject({ min: 1234, max: 1234 });
  });

  it("takes a duration of 0", () => {
    expect(latencyOf([0])).toMatchObject({ count: 1, min: 0, p50: 0, max: 0 });
  });

  it.each([-1, Number.NaN])("refuses %s", (ns) => {
    expect(() => LatencyHistogram.empty().recordNs(ns)).toThrow(RangeError);
  });

  it("refuses a histogram that is none", () => {
    expect(() => LatencyHistogram.fromLatency({ ...latencyOf([1]), histogram: "bm90IG9uZQ==" })).toThrow(RunFolderError);
  });

  it("refuses a histogram that holds another count", () => {
    expect(() => LatencyHistogram.fromLatency({ ...latencyOf([1, 2]), count: 3 })).toThrow(/2 values instead of 3/);
  });
});
