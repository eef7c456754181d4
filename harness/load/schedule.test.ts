import { describe, expect, it } from "vitest";
import { closedLoop, constantRate } from "./schedule.ts";

describe("constantRate", () => {
  it("is due at equal distances from 0", () => {
    expect([...constantRate({ ratePerSecond: 400, count: 5 }).dueTimesMs()]).toEqual([0, 2.5, 5, 7.5, 10]);
  });

  it("gathers no rounding error over a long schedule", () => {
    const due = [...constantRate({ ratePerSecond: 3, count: 300_001 }).dueTimesMs()];
    expect(due.at(-1)).toBe(100_000_000);
  });

  it("begins anew at each call", () => {
    const schedule = constantRate({ ratePerSecond: 1000, count: 3 });
    expect([...schedule.dueTimesMs()]).toEqual([...schedule.dueTimesMs()]);
  });

  it("may be empty", () => {
    expect([...constantRate({ ratePerSecond: 1, count: 0 }).dueTimesMs()]).toEqual([]);
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
