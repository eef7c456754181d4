import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

describe("systemClock.waitUntil", () => {
  it("never comes back early", async () => {
    for (const ms of [0.3, 1.7, 4.9]) {
      const dueMs = systemClock.monotonicMs() + ms;
      await systemClock.waitUntil(dueMs);
      expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(dueMs);
    }
  });

  it.each([0.5, 60_000])("rejects with the signal's reason, %s ms before it is due", async (ms) => {
    const interruption = new AbortController();
    const waiting = systemClock.waitUntil(systemClock.monotonicMs() + ms, interruption.signal);
    interruption.abort(new Error("stop"));
    await expect(waiting).rejects.toThrow("stop");
  });

  it("rejects when the signal has come already", async () => {
    await expect(systemClock.waitUntil(0, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
  });
});

describe("VirtualClock.waitUntil", () => {
  it("comes back at exactly the due time", async () => {
    const clock = new VirtualClock();
    await clock.advance(0.1);
    const seen: number[] = [];
    void clock.waitUntil(0.3).then(() => seen.push(clock.monotonicMs()));
    await clock.advance(10);
    expect(seen).toEqual([0.3]);
  });

  it("does not wait for what is past", async () => {
    const clock = new VirtualClock();
    await clock.advance(5);
    await clock.waitUntil(3);
    expect(clock.monotonicMs()).toBe(5);
  });

  it("rejects with the signal's reason", async () => {
    const interruption = new AbortController();
    const waiting = new VirtualClock().waitUntil(10, interruption.signal);
    interruption.abort(new Error("stop"));
    await expect(waiting).rejects.toThrow("stop");
  });
});
