import { describe, expect, it } from "vitest";
import { closedLoop, constantRate, type OpenSchedule } from "./schedule.ts";

function dueTimesOf(schedule: OpenSchedule): number[] {
  const next = schedule.dueTimesMs();
  return Array.from({ length: schedule.count }, next);
}

describe("constantRate", () => {
  it("is due at equal distances from 0", () => {
    expect(dueTimesOf(constantRate({ ratePerSecond: 400, count: 5 }))).toEqual([0, 2.5, 5, 7.5, 10]);
  });

  it("gathers no rounding error over a long schedule", () => {
    const due = dueTimesOf(constantRate({ ratePerSecond: 3, count: 300_001 }));
    expect(due.at(-1)).toBe(100_000_000);
  });

  it("begins anew at each call", () => {
    const schedule = constantRate({ ratePerSecond: 1000, count: 3 });
    expect(dueTimesOf(schedule)).toEqual(dueTimesOf(schedule));
  });

  it("may be empty", () => {
    expect(dueTimesOf(constantRate({ ratePerSecond: 1, count: 0 }))).toEqual([]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a rate of %s", (ratePerSecond) => {
    expect(() => constantRate({ ratePerSecond, count: 1 })).toThrow(RangeError);
  });

  it.each([-1, 1.5, Number.NaN])("refuses a count of %s", (count) => {
    expect(() => constantRate({ ratePerSecond: 1, count })).toThrow(RangeError);
  });
});

describe("closedLoop", () => {
  it("keeps what it was given", () => {
    expect(closedLoop({ inFlight: 8, count: 50 })).toEqual({ model: "closed", inFlight: 8, count: 50 });
  });

  it.each([0, -1, 1.5])("refuses %s workers", (inFlight) => {
    expect(() => closedLoop({ inFlight, count: 1 })).toThrow(RangeError);
  });
});
