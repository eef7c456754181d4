import type { Random } from "../random.ts";
import { logFactorial } from "./sampling.ts";

/** Up to so many ways to divide the units, all are tried; of more, so many are drawn. */
const divisionsMax = 20_000;
const draws = 9_999;

/**
 * Permutation test of the difference between two means, two-sided: how often units that are divided at random differ at least as much. Exact
 * (never more than `p` of equal distributions fall below `p`, whatever they look like) where the units can be exchanged.
 */
export function permutationTest(a: readonly number[], b: readonly number[], random: Random): number {
  const all = [...a, ...b];
  const total = sum(all);
  const scale = Math.max(...all.map(Math.abs));
  const differenceOf = (sumOfA: number) => Math.abs(sumOfA / a.length - (total - sumOfA) / b.length);
  // What differs by rounding alone differs as much.
  const seen = differenceOf(sum(a)) - 1e-12 * scale;
  if (divisions(all.length, a.length) <= divisionsMax) {
    let asMuch = 0;
    let tried = 0;
    forEachSum(all, a.length, 0, 0, (each) => {
      tried++;
      if (differenceOf(each) >= seen) asMuch++;
    });
    return asMuch / tried;
  }
  let asMuch = 1;
  for (let draw = 0; draw < draws; draw++) {
    // Fisher and Yates, as far as the first group needs it.
    let sumOfA = 0;
    for (let at = 0; at < a.length; at++) {
      const other = at + random.below(all.length - at);
      const picked = all[other] ?? 0;
      all[other] = all[at] ?? 0;
      all[at] = picked;
      sumOfA += picked;
    }
    if (differenceOf(sumOfA) >= seen) asMuch++;
  }
  return asMuch / (draws + 1);
}

/** The smallest result that {@link permutationTest} can have with so many units, however much they differ. */
export function smallestP(unitsOfA: number, unitsOfB: number): number {
  const all = divisions(unitsOfA + unitsOfB, unitsOfA);
  // A division and its mirror image differ as much where both sides are of one size.
  return all <= divisionsMax ? (unitsOfA === unitsOfB ? 2 : 1) / all : 1 / (draws + 1);
}

/** Visits, on top of `sum`, the sum of every choice of `count` of the values from an index on. */
function forEachSum(values: readonly number[], count: number, from: number, sum: number, visit: (sum: number) => void): void {
  if (count === 0) visit(sum);
  else for (let at = from; at <= values.length - count; at++) forEachSum(values, count - 1, at + 1, sum + (values[at] ?? 0), visit);
}

function divisions(n: number, k: number): number {
  return Math.round(Math.exp(logFactorial(n) - logFactorial(k) - logFactorial(n - k)));
}

/** How many observations of each side there are, and how many of them lie above the quantile of both together. */
export interface Beyond {
  readonly countA: number;
  readonly aboveA: number;
  readonly countB: number;
  readonly aboveB: number;
}

/**
 * Permutation test of a quantile, two-sided: under every division of all observations the number above the common quantile that falls to
 * one side is hypergeometric (Mood's median test, for any quantile), so nothing has to be drawn.
 */
export function quantileTest({ countA, aboveA, countB, aboveB }: Beyond): number {
  const above = aboveA + aboveB;
  const lowest = Math.max(0, above - countB);
  const highest = Math.min(above, countA);
  const at = Math.exp(logChoose(countA, aboveA) + logChoose(countB, aboveB) - logChoose(countA + countB, above));
  /** The probability of so many or of more, step by step away from what was seen. */
  const tail = (step: 1 | -1): number => {
    let total = at;
    let term = at;
    for (let x = aboveA; (step === 1 ? x < highest : x > lowest) && term > total * 1e-17; x += step) {
      term *=
        step === 1
          ? ((countA - x) * (above - x)) / ((x + 1) * (countB - above + x + 1))
          : (x * (countB - above + x)) / ((countA - x + 1) * (above - x + 1));
      total += term;
    }
    return total;
  };
  return Math.min(1, 2 * Math.min(tail(1), tail(-1)));
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** Holm's correction: the results of several tests, so that the probability of any false one among them stays what it is for one. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, at) => ({ p, at })).sort((a, b) => a.p - b.p);
  const adjusted = ps.map(() => 1);
  let least = 0;
  for (const [rank, { p, at }] of order.entries()) {
    least = Math.min(1, Math.max(least, p * (ps.length - rank)));
    adjusted[at] = least;
  }
  return adjusted;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
