import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../load/histogram.ts";
import { SecondsRecorder } from "../load/seconds.ts";
import { timelineSchema } from "./schema.ts";
import { stepWidthMs, type TimedRequest, timelineOf } from "./timeline.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const request = fc
  .record({
    dueMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
    tookMs: fc.double({ min: 0, max: 9000, noNaN: true }),
    outcome: fc.constantFrom("ok", "failed", "dropped"),
  })
  .map(({ dueMs, tookMs, outcome }): TimedRequest => ({ dueMs, overMs: dueMs + tookMs, outcome }));

describe("the width of a step", () => {
  it("is 1, 2 or 5 times a power of ten, and gives at most 225 of them", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (spanMs) => {
        const width = stepWidthMs(spanMs);
        expect([1, 2, 5]).toContain(width / 10 ** Math.floor(Math.log10(width)));
        expect(spanMs / width).toBeLessThanOrEqual(225);
        if (spanMs >= 1000 && spanMs < 27_500) expect(spanMs / width).toBeLessThanOrEqual(120);
        if (width > 1 && width !== 1000) expect(spanMs / width).toBeGreaterThan(48 * 0.999);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [0, 1],
    [100, 1],
    [2500, 50],
    [27_000, 500],
    // From here on a step has what a second had, so that runs of one length can be compared step by step.
    [28_000, 1000],
    [225_000, 1000],
    [225_001, 2000],
    [3_300_000, 20_000],
  ])("of %d ms is %d ms", (spanMs, width) => {
    expect(stepWidthMs(spanMs)).toBe(width);
  });
});

describe("a phase in time", () => {
  it("counts a request where it ended, and its latency where it fell due", () => {
    const requests: TimedRequest[] = [
      { dueMs: 0, overMs: 8, outcome: "ok" },
      { dueMs: 12, overMs: 95, outcome: "ok" },
      { dueMs: 13, overMs: 19.5, outcome: "failed" },
      { dueMs: 14, overMs: 150, outcome: "dropped" },
    ];
    const timeline = timelineOf({ durationMs: 200, overMs: 200, requests, kms: null });
    expect(timeline).toEqual({
      stepMs: 2,
      load: [
        { step: 0, ok: 0, failed: 0, dropped: 0, p50: 8e6, p99: 8e6, max: 8e6 },
        { step: 4, ok: 1, failed: 0, dropped: 0, p50: null, p99: null, max: null },
        { step: 6, ok: 0, failed: 0, dropped: 0, p50: 83e6, p99: 83e6, max: 83e6 },
        { step: 9, ok: 0, failed: 1, dropped: 0, p50: null, p99: null, max: null },
        { step: 47, ok: 1, failed: 0, dropped: 0, p50: null, p99: null, max: null },
        { step: 75, ok: 0, failed: 0, dropped: 1, p50: null, p99: null, max: null },
      ],
      kms: null,
    });
  });

  it("loses no request and no latency", () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 80 }), (requests) => {
        const durationMs = Math.max(...requests.map(({ overMs }) => overMs));
        const timeline = timelineSchema.parse(timelineOf({ durationMs, overMs: durationMs, requests, kms: null }));
        for (const outcome of ["ok", "failed", "dropped"] as const) {
          expect(sum(timeline.load.map((step) => step[outcome]))).toBe(requests.filter((each) => each.outcome === outcome).length);
        }
        const took = requests.flatMap(({ dueMs, overMs, outcome }) => (outcome === "ok" ? [Math.round((overMs - dueMs) * 1e6)] : []));
        expect(Math.max(0, ...timeline.load.flatMap(({ max }) => max ?? []))).toBe(Math.max(0, ...took));
        for (const { p50, p99, max } of timeline.load) if (p50 !== null) expect([p50, p99, max]).toEqual([p50, p99, max].toSorted(byValue));
        expect(timeline.load.map(({ step }) => step)).toEqual([...new Set(timeline.load.map(({ step }) => step))].toSorted(byValue));
        expect(timeline.load.at(-1)?.step).toBeLessThan(240);
      }),
      { numRuns: 60 },
    );
  });

  it("has a call in the step in which it began", () => {
    const kms = new Map([
      ["Decrypt", { calls: [0, 9.99, 10, 999, 1005], failed: [10, 1005] }],
      ["Status", { calls: [500], failed: [] }],
    ]);
    expect(timelineOf({ durationMs: 1000, overMs: 1100, requests: [], kms })).toEqual({
      stepMs: 10,
      load: [],
      kms: {
        Decrypt: [
          { step: 0, calls: 2, failed: 0 },
          { step: 1, calls: 1, failed: 1 },
          { step: 99, calls: 1, failed: 0 },
          { step: 100, calls: 1, failed: 1 },
        ],
        Status: [{ step: 50, calls: 1, failed: 0 }],
      },
    });
  });

  it("keeps the calls within the phase, also where the tap's clock was set while it ran", () => {
    const kms = new Map([["Encrypt", { calls: [-3_300_000, -4, 20, 3_300_000], failed: [-4, 3_300_000] }]]);
    expect(timelineOf({ durationMs: 100, overMs: 110, requests: [], kms }).kms).toEqual({
      Encrypt: [
        { step: 0, calls: 2, failed: 1 },
        { step: 20, calls: 1, failed: 0 },
        { step: 110, calls: 1, failed: 1 },
      ],
    });
  });
});

describe("a phase too long for single requests", () => {
  it("adds its seconds up to wider steps", () => {
    const recorder = new SecondsRecorder();
    const slow = LatencyHistogram.empty();
    for (let second = 0; second < 300; second++) {
      for (let at = 0; at < 20; at++) recorder.ok(second * 1000 + at, second * 1000 + at + (second === 7 ? 40 : 2));
      if (second >= 6 && second < 8) for (let at = 0; at < 20; at++) slow.recordMs(second === 7 ? 40 : 2);
      if (second % 100 === 0) recorder.failed(second * 1000);
    }
    const { stepMs, load } = timelineOf({ durationMs: 300_000, overMs: 300_000, requests: recorder, kms: null });
    expect(stepMs).toBe(2000);
    expect(load).toHaveLength(150);
    expect(sum(load.map(({ ok }) => ok))).toBe(6000);
    expect(sum(load.map(({ failed }) => failed))).toBe(3);
    expect(load[3]).toEqual({ step: 3, ok: 40, failed: 0, dropped: 0, p50: slow.quantileNs(50), p99: slow.quantileNs(99), max: 40e6 });
  });

  it("stays small, whatever was sent and called in it", () => {
    const recorder = new SecondsRecorder();
    // 10 million requests in an hour leave no more behind than these.
    for (let second = 0; second < 3600; second += 12) recorder.ok(second * 1000, second * 1000 + 1 + (second % 60));
    const calls = Array.from({ length: 100_000 }, (_, call) => call * 36);
    const kms = new Map(["Encrypt", "Decrypt", "Status"].map((method) => [method, { calls, failed: calls.slice(0, 1000) }]));
    const timeline = timelineOf({ durationMs: 3_600_000, overMs: 3_600_000, requests: recorder, kms });
    expect(timeline.load.length).toBeLessThanOrEqual(240);
    expect(sum(timeline.kms?.["Encrypt"]?.map((step) => step.calls) ?? [])).toBe(100_000);
    expect(JSON.stringify(timeline).length).toBeLessThan(60_000);
  });

  it("has steps of a second where it was short", () => {
    const recorder = new SecondsRecorder();
    recorder.ok(100, 130);
    recorder.ok(1100, 1130);
    const { stepMs, load } = timelineOf({ durationMs: 1500, overMs: 1500, requests: recorder, kms: null });
    expect([stepMs, load.map(({ step, ok }) => [step, ok])]).toEqual([
      1000,
      [
        [0, 1],
        [1, 1],
      ],
    ]);
  });
});

function byValue(a: number | null, b: number | null): number {
  return (a ?? 0) - (b ?? 0);
}
