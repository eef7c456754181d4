import type { Random } from "../random.ts";
import { type Distribution, rankOf } from "./distribution.ts";
import { betaDraw, normalBelow, studentT975 } from "./sampling.ts";

/** A figure, and between which bounds it lies with 95 % confidence. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Both sides of a comparison, and how the second stands to the first. */
export interface Estimates {
  readonly base: Estimate;
  readonly other: Estimate;
  /** Null where the first is not above 0. */
  readonly ratio: Estimate | null;
  readonly difference: Estimate;
}

/** Resamples of each side, unless told. */
const resamplesUsual = 4_999;

/**
 * Bootstrap over units (rounds, stretches of time), each with one value: of each side the geometric mean, or the arithmetic where a value is not above 0.
 * The percentile interval of few units is too narrow; it is expanded to what Student's t would allow for (Hesterberg, The American Statistician 69(4), 2015).
 */
export function bootstrapUnits(base: readonly number[], other: readonly number[], random: Random, resamples = resamplesUsual): Estimates {
  const isPositive = [...base, ...other].every((value) => value > 0);
  const scale = isPositive ? Math.log : (value: number) => value;
  const back = isPositive ? Math.exp : (value: number) => value;
  const sides = [base.map(scale), other.map(scale)] as const;
  const [first, second] = sides.map((values) => ({ value: back(mean(values)), draws: drawMeans(values, random, resamples).map(back) }));
  if (first === undefined || second === undefined) throw new RangeError("A comparison has two sides.");
  const [tailOfBase, tailOfOther, tail] = [tailOf([sides[0]]), tailOf([sides[1]]), tailOf(sides)];
  return estimatesOf(first, second, [tailOfBase, tailOfOther, tail]);
}

/**
 * Bootstrap of a quantile over single observations. The order statistic of a resample of n is that of n uniform numbers, whose distribution
 * is a beta, read off the observed distribution: the same as drawing all n anew. To be trusted only where observations do not depend on each other.
 */
export function bootstrapQuantile(
  percent: number,
  base: Distribution,
  other: Distribution,
  random: Random,
  resamples = resamplesUsual,
): Estimates {
  const [first, second] = [base, other].map((distribution) => {
    const { count } = distribution;
    const rank = rankOf(percent, count);
    const draws = Float64Array.from({ length: resamples }, () =>
      distribution.atRank(Math.max(1, Math.ceil(betaDraw(rank, count - rank + 1, random) * count))),
    );
    return { value: distribution.quantile(percent), draws };
  });
  if (first === undefined || second === undefined) throw new RangeError("A comparison has two sides.");
  return estimatesOf(first, second, [0.025, 0.025, 0.025]);
}

interface Drawn {
  readonly value: number;
  readonly draws: Float64Array;
}

function estimatesOf(base: Drawn, other: Drawn, [tailOfBase, tailOfOther, tail]: readonly [number, number, number]): Estimates {
  const together = (value: (base: number, other: number) => number): Drawn => ({
    value: value(base.value, other.value),
    draws: base.draws.map((drawn, at) => value(drawn, other.draws[at] ?? 0)),
  });
  const hasRatio = base.value > 0 && base.draws.every((drawn) => drawn > 0);
  return {
    base: percentileInterval(base, tailOfBase),
    other: percentileInterval(other, tailOfOther),
    ratio: hasRatio
      ? percentileInterval(
          together((from, to) => to / from),
          tail,
        )
      : null,
    difference: percentileInterval(
      together((from, to) => to - from),
      tail,
    ),
  };
}

function percentileInterval({ value, draws }: Drawn, tail: number): Estimate {
  const sorted = draws.toSorted();
  const at = Math.max(0, Math.floor(tail * (sorted.length + 1)) - 1);
  return { value, low: Math.min(value, sorted[at] ?? value), high: Math.max(value, sorted.at(-1 - at) ?? value) };
}

function drawMeans(values: readonly number[], random: Random, resamples: number): Float64Array {
  return Float64Array.from({ length: resamples }, () => {
    let total = 0;
    for (let drawn = 0; drawn < values.length; drawn++) total += values[random.below(values.length)] ?? 0;
    return total / values.length;
  });
}

/**
 * How much of the resamples lies beyond each end of the interval. A resample of n units spreads √((n - 1) / n) as much as it should, and a
 * normal distribution has less far out than Student's; the degrees of freedom of two sides are Welch's.
 */
function tailOf(sides: readonly (readonly number[])[]): number {
  const parts = sides.map((values) => {
    const n = values.length;
    const center = mean(values);
    const variance = values.reduce((total, value) => total + (value - center) ** 2, 0) / (n - 1);
    return { n, ofMean: variance / n };
  });
  const sum = (of: (part: { readonly n: number; readonly ofMean: number }) => number) => parts.reduce((total, part) => total + of(part), 0);
  const total = sum(({ ofMean }) => ofMean);
  if (total === 0) return 0.025;
  const degrees = total ** 2 / sum(({ n, ofMean }) => ofMean ** 2 / (n - 1));
  const shrunk = total / sum(({ n, ofMean }) => (ofMean * (n - 1)) / n);
  return normalBelow(-Math.sqrt(shrunk) * studentT975(degrees));
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
