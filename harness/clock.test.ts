import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

const forever = Number.POSITIVE_INFINITY;

describe("an alarm of the system's clock", () => {
  it("never rings early, whether it is set from outside or while it rings", async () => {
    const rungMs: number[] = [];
    const dueMs: number[] = [];
    await new Promise<void>((resolve) => {
      const waits = [0.3, 1.7, 4.9, 0];
      const next = () => {
        const wait = waits.shift();
        if (wait === undefined) return resolve();
        dueMs.push(systemClock.monotonicMs() + wait);
        alarm.set(dueMs.at(-1) ?? forever);
      };
      const alarm = systemClock.startAlarm(() => {
        rungMs.push(systemClock.monotonicMs());
        next();
      });
      next();
    });
    expect(rungMs.map((ms, index) => ms >= (dueMs[index] ?? forever))).toEqual([true, true, true, true]);
  });

  it("rings once, at the time that was set last", async () => {
    let rings = 0;
    await new Promise<void>((resolve) => {
      using early = systemClock.startAlarm(() => rings++);
      early.set(systemClock.monotonicMs() + 1);
      const alarm = systemClock.startAlarm(() => {
        rings += 10;
        setImmediate(resolve);
      });
      alarm.set(systemClock.monotonicMs() + 60_000);
      alarm.set(systemClock.monotonicMs() + 1);
    });
    expect(rings).toBe(10);
  });

  it("does not ring when it was set to no time", async () => {
    let rings = 0;
    using alarm = systemClock.startAlarm(() => rings++);
    alarm.set(systemClock.monotonicMs());
    alarm.set(forever);
    await systemClock.sleep(3);
    expect(rings).toBe(0);
  });
});

describe("an alarm of the virtual clock", () => {
  it("rings at exactly its time", async () => {
    const clock = new VirtualClock();
    await clock.advance(0.1);
    const seen: number[] = [];
    const alarm = clock.startAlarm(() => seen.push(clock.monotonicMs()));
    alarm.set(0.2);
    alarm.set(0.3);
    await clock.advance(10);
    expect(seen).toEqual([0.3]);
  });

  it("rings soon when its time is past, and not from inside set", async () => {
    const clock = new VirtualClock();
    await clock.advance(5);
    const seen: number[] = [];
    clock.startAlarm(() => seen.push(clock.monotonicMs())).set(3);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual([5]);
  });

  it("is silent when it was disposed of, or set to no time", async () => {
    const clock = new VirtualClock();
    let rings = 0;
    {
      using alarm = clock.startAlarm(() => rings++);
      alarm.set(3);
    }
    const alarm = clock.startAlarm(() => rings++);
    alarm.set(3);
    alarm.set(forever);
    await clock.advance(10);
    expect(rings).toBe(0);
  });
});
