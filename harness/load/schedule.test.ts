import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { closedLoop, constantRate, type OpenSchedule, poissonRate, rampRate, replayOf, spikeRate, stepRates } from "./schedule.ts";

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

const ratePerSecond = fc.double({ min: 0.01, max: 1e5, noNaN: true });
const count = fc.integer({ min: 2, max: 300 });
const recorded = fc
  .array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 40 })
  .map((timesUs) => Float64Array.from(timesUs, (us) => us / 1000).sort());
const anySchedule: fc.Arbitrary<OpenSchedule> = fc.oneof(
  fc.record({ ratePerSecond, count }).map(constantRate),
  fc.record({ ratePerSecond, count, random: fc.string().map((seed) => new Random(seed)) }).map(poissonRate),
  fc.record({ fromPerSecond: ratePerSecond, toPerSecond: ratePerSecond, count }).map(rampRate),
  fc.record({ ratesPerSecond: fc.array(ratePerSecond, { minLength: 1, maxLength: 6 }), count }).map(stepRates),
  fc.record({ basePerSecond: ratePerSecond, peakPerSecond: ratePerSecond, count }).map(spikeRate),
  fc.record({ recordedMs: recorded, count }).map(replayOf),
);

describe("any open schedule", () => {
  it("ascends from 0, and is the same each time", () => {
    fc.assert(
      fc.property(anySchedule, (schedule) => {
        const dueMs = dueTimesOf(schedule);
        expect(dueMs).toHaveLength(schedule.count);
        expect(dueMs.every((ms, index) => Number.isFinite(ms) && ms >= (dueMs[index - 1] ?? 0))).toBe(true);
        expect(dueTimesOf(schedule)).toEqual(dueMs);
      }),
    );
  });

  it("but a drawn or a recorded one is over when its mean rate says so", () => {
    const even = anySchedule.filter(({ arrivals }) => arrivals !== "poisson" && arrivals !== "replay");
    fc.assert(
      fc.property(even, (schedule) => {
        const nextMs = schedule.dueTimesMs();
        for (let index = 0; index < schedule.count; index++) nextMs();
        // The one behind the last would be due exactly then.
        const wholeMs = (schedule.count * 1000) / schedule.ratePerSecond;
        expect(Math.abs(nextMs() / wholeMs - 1)).toBeLessThan(1e-9);
      }),
    );
  });
});

describe("poissonRate", () => {
  const schedule = poissonRate({ ratePerSecond: 100, count: 20_000, random: new Random("poisson") });
  const gapsMs = dueTimesOf(schedule).map((ms, index, all) => ms - (all[index - 1] ?? 0));

  it("has exponential distances: mean and deviation are the same, and one in e is longer than the mean", () => {
    const meanMs = gapsMs.reduce((sum, gap) => sum + gap) / gapsMs.length;
    const deviationMs = Math.sqrt(gapsMs.reduce((sum, gap) => sum + (gap - meanMs) ** 2, 0) / gapsMs.length);
    const longer = gapsMs.filter((gap) => gap > 10).length / gapsMs.length;
    // Four standard errors of each, at 20,000 draws.
    expect(Math.abs(meanMs - 10)).toBeLessThan(0.28);
    expect(Math.abs(deviationMs - 10)).toBeLessThan(0.57);
    expect(Math.abs(longer - Math.exp(-1))).toBeLessThan(0.014);
  });

  it("draws no distance from the one before", () => {
    const products = gapsMs.slice(1).map((gap, index) => (gap - 10) * ((gapsMs[index] ?? 0) - 10));
    expect(Math.abs(products.reduce((sum, each) => sum + each) / products.length) / 100).toBeLessThan(0.03);
  });

  it("follows the seed alone", () => {
    const of = (random: Random) => dueTimesOf(poissonRate({ ratePerSecond: 100, count: 5, random }));
    const used = new Random("poisson");
    used.uint32();
    expect(of(used)).toEqual(of(new Random("poisson")));
    expect(of(new Random("other"))).not.toEqual(of(used));
  });
});

describe("a rate that changes", () => {
  const dueIn = (schedule: OpenSchedule, fromMs: number, toMs: number) =>
    dueTimesOf(schedule).filter((ms) => ms >= fromMs && ms < toMs).length;

  it("ramps evenly", () => {
    const schedule = rampRate({ fromPerSecond: 100, toPerSecond: 300, count: 2000 });
    // 10 s: in second k the rate goes from 100 + 20k to 120 + 20k.
    expect(Array.from({ length: 10 }, (_, second) => dueIn(schedule, second * 1000, second * 1000 + 1000))).toEqual([
      110, 130, 150, 170, 190, 210, 230, 250, 270, 290,
    ]);
  });

  it("ramps down to where it would begin the other way", () => {
    const schedule = rampRate({ fromPerSecond: 300, toPerSecond: 100, count: 2000 });
    expect([dueIn(schedule, 0, 1000), dueIn(schedule, 9000, 10_001)]).toEqual([290, 110]);
  });

  it("steps from one to the next after equal times", () => {
    const schedule = stepRates({ ratesPerSecond: [100, 10, 190], count: 300 });
    expect([0, 1000, 2000].map((fromMs) => dueIn(schedule, fromMs, fromMs + 1000))).toEqual([100, 10, 190]);
  });

  it("spikes in the middle fifth", () => {
    const schedule = spikeRate({ basePerSecond: 10, peakPerSecond: 100, count: 140 });
    expect([0, 1000, 2000, 3000, 4000].map((fromMs) => dueIn(schedule, fromMs, fromMs + 1000))).toEqual([10, 10, 100, 10, 10]);
  });
});

describe("replayOf", () => {
  it("keeps the distances, from 0", () => {
    const schedule = replayOf({ recordedMs: Float64Array.of(50, 51, 51, 80), count: 4 });
    expect(dueTimesOf(schedule)).toEqual([0, 1, 1, 30]);
    expect(schedule.ratePerSecond).toBe(100);
  });

  it("begins again when more is asked for, one mean distance behind the last", () => {
    expect(dueTimesOf(replayOf({ recordedMs: Float64Array.of(50, 70, 80), count: 7 }))).toEqual([0, 20, 30, 45, 65, 75, 90]);
  });

  it.each([[[]], [[2, 1]], [[Number.NaN]]])("refuses %j", (times) => {
    expect(() => replayOf({ recordedMs: Float64Array.from(times), count: 1 })).toThrow(RangeError);
  });
});

describe("closedLoop", () => {
  it("keeps what it was given", () => {
    expect(closedLoop({ inFlight: 8, count: 50 })).toEqual({ model: "closed", inFlight: 8, count: 50 });
  });

  it("may end by time", () => {
    expect(closedLoop({ inFlight: 8, count: 50, durationMs: 10 })).toEqual({ model: "closed", inFlight: 8, count: 50, durationMs: 10 });
    expect(() => closedLoop({ inFlight: 8, count: 50, durationMs: 0 })).toThrow(RangeError);
  });

  it.each([0, -1, 1.5])("refuses %s workers", (inFlight) => {
    expect(() => closedLoop({ inFlight, count: 1 })).toThrow(RangeError);
  });
});
