import fc from "fast-check";
import { expect, it } from "vitest";
import { LatencyHistogram } from "./histogram.ts";
import { SecondsRecorder } from "./seconds.ts";

const figures = (recorder: SecondsRecorder) =>
  [...recorder.seconds()].map(({ second, ok, failed, dropped, latency }) => ({
    second,
    ok,
    failed,
    dropped,
    latency: latency.toLatency(),
  }));

it("counts where something ended, and times where it fell due; quiet seconds are left out", () => {
  const recorder = new SecondsRecorder();
  recorder.ok(100, 101);
  recorder.ok(900, 5100);
  recorder.failed(5200);
  recorder.dropped(7999);
  expect(figures(recorder)).toMatchObject([
    { second: 0, ok: 1, failed: 0, dropped: 0, latency: { count: 2, min: 1e6, max: 4.2e9 } },
    { second: 5, ok: 1, failed: 1, dropped: 0, latency: null },
    { second: 7, ok: 0, failed: 0, dropped: 1, latency: null },
  ]);
});

it("loses nothing, however late answers come", () => {
  const requests = fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 10_000 })), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(requests, (sent) => {
      const recorder = new SecondsRecorder();
      const expected = new Map<number, LatencyHistogram>();
      for (const [dueMs, tookMs] of sent) {
        recorder.ok(dueMs, dueMs + tookMs);
        const second = Math.floor(dueMs / 1000);
        const histogram = expected.get(second) ?? LatencyHistogram.empty();
        histogram.recordMs(tookMs);
        expected.set(second, histogram);
      }
      const seconds = [...recorder.seconds()];
      expect(seconds.reduce((sum, { ok }) => sum + ok, 0)).toBe(sent.length);
      for (const { second, latency } of seconds) expect(latency.toLatency()).toEqual(expected.get(second)?.toLatency() ?? null);
    }),
    { numRuns: 30 },
  );
});
