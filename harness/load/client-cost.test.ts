import { expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { ClientMeter } from "./client-cost.ts";
import { LatencyHistogram } from "./histogram.ts";

/** Keeps the thread busy, and its heap. */
function toil(ms: number): number {
  const untilMs = systemClock.monotonicMs() + ms;
  let kept = 0;
  while (systemClock.monotonicMs() < untilMs) kept += Array.from({ length: 1000 }, (_, index) => ({ index })).length;
  return kept;
}

it("sees what the thread spends, that its loop was late, and what the collector took", async () => {
  const sendDelay = LatencyHistogram.empty();
  sendDelay.recordMs(2);
  using meter = new ClientMeter();
  await systemClock.sleep(30);
  expect(toil(150)).toBeGreaterThan(0);
  await systemClock.sleep(30);
  const cost = meter.cost({ ok: 90, failed: 10, sendDelay });
  expect(cost.sendDelayMsP99).toBe(2);
  expect(cost.cpuMs).toBeGreaterThan(0);
  expect(cost.cpuUsPerRequest).toBeCloseTo(cost.cpuMs * 10, 6);
  // Of 150 ms a part may have been seen before, but a loop that stood still is never hidden.
  expect(cost.eventLoopDelayMaxMs).toBeGreaterThan(100);
  expect(cost.gcPauseMaxMs).toBeGreaterThan(0);
  expect(cost.gcPauseTotalMs).toBeGreaterThanOrEqual(cost.gcPauseMaxMs);
});

it("has no cost a request where none was sent", () => {
  using meter = new ClientMeter();
  expect(meter.cost({ ok: 0, failed: 0, sendDelay: LatencyHistogram.empty() })).toMatchObject({
    cpuUsPerRequest: null,
    sendDelayMsP99: null,
  });
});
