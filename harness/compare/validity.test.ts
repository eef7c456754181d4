import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../load/histogram.ts";
import { Random } from "../random.ts";
import { bootstrapQuantile, bootstrapUnits } from "./bootstrap.ts";
import { Distribution } from "./distribution.ts";
import { normalDraw } from "./sampling.ts";
import { holm, permutationTest, quantileTest } from "./significance.ts";

// The statistics are judged by what they are for: on made-up runs whose truth is known, with one seed, so that each gives the same every time.

/** A share of so many trials is this near to the true one in all but 1 of 3000 seeds; and the seed is fixed. */
const off = (trials: number, share: number) => 3.6 * Math.sqrt((share * (1 - share)) / trials);
/** Fewer than a comparison draws: what it costs is drawing. */
const resamples = 399;

/** How often each question was answered with yes. */
function shares<Question extends string>(trials: number, ask: (trial: number) => Record<Question, boolean>): Record<string, number> {
  const counted: Record<string, number> = {};
  for (let trial = 0; trial < trials; trial++) {
    for (const [question, answer] of Object.entries(ask(trial))) counted[question] = (counted[question] ?? 0) + Number(answer) / trials;
  }
  return counted;
}

const within = (value: number, { low, high }: { readonly low: number; readonly high: number }) => low <= value && value <= high;

/** What a round of a run may measure; each around 1 ms. */
const roundsOf: Readonly<Record<string, (random: Random) => number>> = {
  "that vary little": (random) => 1e6 * Math.exp(0.05 * normalDraw(random)),
  "that vary much": (random) => 1e6 * Math.exp(0.5 * normalDraw(random)),
  "of which one in ten had a stall": (random) => 1e6 * Math.exp(0.05 * normalDraw(random)) * (random.below(10) === 0 ? 3 : 1),
  "with a heavy tail (Pareto, 1.5)": (random) => 1e6 * (1 - random.fraction()) ** (-1 / 1.5),
};

describe.each(Object.entries(roundsOf))("over rounds %s", (name, draw) => {
  it.each([5, 8])("of %d and as many, equal runs are seldom found to differ, and the interval holds their ratio", (rounds) => {
    const random = new Random(`${name} ${rounds}`);
    const trials = 300;
    const run = () => Array.from({ length: rounds }, () => draw(random));
    const found = shares(trials, () => {
      const [a, b] = [run(), run()];
      const { ratio } = bootstrapUnits(a, b, random, resamples);
      return { differs: permutationTest(a.map(Math.log), b.map(Math.log), random) <= 0.05, holds: ratio !== null && within(1, ratio) };
    });
    expect(found["differs"]).toBeLessThanOrEqual(0.05 + off(trials, 0.05));
    expect(found["holds"]).toBeGreaterThanOrEqual(0.95 - off(trials, 0.05) - 0.01);
  });
});

it("over rounds, the interval of each side holds the truth 95 times in 100, though there are few", () => {
  const random = new Random("one side");
  const trials = 600;
  const run = () => Array.from({ length: 6 }, () => 1e6 * Math.exp(0.2 * normalDraw(random)));
  const found = shares(trials, () => ({ holds: within(1e6, bootstrapUnits(run(), run(), random, resamples).base) }));
  expect(Math.abs((found["holds"] ?? 0) - 0.95)).toBeLessThanOrEqual(off(trials, 0.05) + 0.01);
});

it("over rounds, requests that depend on each other within a round are no difference, where single requests would make one of them", () => {
  const random = new Random("autocorrelated");
  const trials = 200;
  // Half of what varies is the round's own: a machine that was slow while it lasted.
  const run = () => {
    const slow = Array.from({ length: 6 }, () => Math.exp(0.1 * normalDraw(random)));
    return slow.map((factor) => Array.from({ length: 80 }, () => 1e6 * factor * Math.exp(0.1 * normalDraw(random))));
  };
  const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[40] ?? 0;
  const found = shares(trials, () => {
    const [a, b] = [run(), run()];
    const [ofA, ofB] = [distributionOf(a.flat()), distributionOf(b.flat())];
    return {
      overRounds: permutationTest(a.map(medianOf).map(Math.log), b.map(medianOf).map(Math.log), random) <= 0.05,
      overRequests: quantileP(50, ofA, ofB) <= 0.05,
    };
  });
  expect(found["overRounds"]).toBeLessThanOrEqual(0.05 + off(trials, 0.05));
  expect(found["overRequests"]).toBeGreaterThan(0.3);
});

it("over rounds that vary by 5 %, eight and eight find a shift of 10 % nine times in ten", () => {
  const random = new Random("power");
  const run = (factor: number) => Array.from({ length: 8 }, () => factor * Math.exp(0.05 * normalDraw(random)));
  const found = shares(200, () => {
    const [a, b] = [run(1), run(1.1)];
    const { ratio } = bootstrapUnits(a, b, random, resamples);
    return {
      test: permutationTest(a.map(Math.log), b.map(Math.log), random) <= 0.05,
      interval: ratio !== null && ratio.low > 1,
      holds: ratio !== null && within(1.1, ratio),
    };
  });
  expect(found["test"]).toBeGreaterThan(0.9);
  expect(found["interval"]).toBeGreaterThan(0.9);
  expect(found["holds"]).toBeGreaterThan(0.95 - off(200, 0.05) - 0.01);
});

function distributionOf(values: readonly number[]): Distribution {
  const histogram = LatencyHistogram.empty();
  for (const value of values) histogram.recordNs(value);
  const latency = histogram.toLatency();
  return Distribution.of(latency === null ? [] : [latency]);
}

/** As a comparison makes it: by those above the quantile of both together. */
function quantileP(percent: number, a: Distribution, b: Distribution): number {
  const both = (ns: number) => a.above(ns) + b.above(ns);
  const allowed = (a.count + b.count) * (1 - percent / 100);
  let common = Math.min(a.quantile(percent), b.quantile(percent)) - 1;
  for (let step = 2 ** 24; step >= 1; step /= 2) if (both(common + step) > allowed) common += step;
  return quantileTest({ countA: a.count, aboveA: a.above(common + 1), countB: b.count, aboveB: b.above(common + 1) });
}

describe.each([
  { percent: 50, shift: 1.1, power: 0.9 },
  { percent: 99, shift: 1.4, power: 0.9 },
])("over 1500 requests that do not depend on each other, p$percent", ({ percent, shift, power }) => {
  const random = new Random(`requests ${percent}`);
  const trials = 150;
  const run = (factor: number) => distributionOf(Array.from({ length: 1500 }, () => factor * 1e6 * Math.exp(0.4 * normalDraw(random))));
  const truth = 1e6 * Math.exp(0.4 * (percent === 50 ? 0 : 2.326348));
  const found = shares(trials, () => {
    const [a, b, shifted] = [run(1), run(1), run(shift)];
    const { base, ratio } = bootstrapQuantile(percent, a, b, random, resamples);
    return {
      differs: quantileP(percent, a, b) <= 0.05,
      // A histogram's figures are up to 0.1 % above the exact ones.
      holds: within(truth, { low: base.low * 0.999, high: base.high }),
      holdsRatio: ratio !== null && within(1, ratio),
      finds: quantileP(percent, a, shifted) <= 0.05,
    };
  });

  it("seldom differs between equal runs", () => {
    expect(found["differs"]).toBeLessThanOrEqual(0.05 + off(trials, 0.05));
  });

  it("lies in its interval, as the ratio does in its own", () => {
    expect(found["holds"]).toBeGreaterThanOrEqual(0.95 - off(trials, 0.05));
    expect(found["holdsRatio"]).toBeGreaterThanOrEqual(0.95 - off(trials, 0.05));
  });

  it("is found to differ where it does", () => {
    expect(found["finds"]).toBeGreaterThan(power);
  });
});

it("twenty tests of equal runs find anything at all in 5 of 100 comparisons, after Holm's correction", () => {
  const random = new Random("holm");
  const trials = 300;
  const run = () => Array.from({ length: 7 }, () => normalDraw(random));
  const found = shares(trials, () => {
    const ps = Array.from({ length: 20 }, () => quickP(run(), run()));
    return { corrected: holm(ps).some((p) => p <= 0.05), uncorrected: ps.some((p) => p <= 0.05) };
  });
  expect(found["corrected"]).toBeLessThanOrEqual(0.05 + off(trials, 0.05));
  expect(found["uncorrected"]).toBeGreaterThan(0.5);
});

/** A test whose result is exact for normal values of spread 1: the difference of the means as a chance of the normal distribution. */
function quickP(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const z = Math.abs(mean(a) - mean(b)) / Math.sqrt(1 / a.length + 1 / b.length);
  // 2 (1 - Φ(z)), by the bound's own series (Abramowitz and Stegun 26.2.19).
  const series =
    1 + z * (0.049867347 + z * (0.0211410061 + z * (0.0032776263 + z * (0.0000380036 + z * (0.0000488906 + z * 0.000005383)))));
  return series ** -16;
}
