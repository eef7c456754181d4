import fc from "fast-check";
import { expect, it } from "vitest";
import { Random } from "../random.ts";
import { holm, permutationTest, quantileTest, smallestP } from "./significance.ts";

const random = new Random("significance");

it("tries every division of a few units", () => {
  // Of 20 divisions of three and three, this one and its mirror image are the furthest apart.
  expect(permutationTest([1, 2, 3], [10, 11, 12], random)).toBe(2 / 20);
  expect(permutationTest([1, 2, 3], [1, 2, 3], random)).toBe(1);
  expect(permutationTest([5, 5], [5, 5, 5], random)).toBe(1);
  expect(permutationTest([0.1, 0.2, 0.3], [0.3, 0.1, 0.2], random)).toBe(1);
});

it("draws divisions of many, and is never certain", () => {
  const a = Array.from({ length: 30 }, (_, at) => at);
  expect(
    permutationTest(
      a,
      a.map((value) => value + 100),
      random,
    ),
  ).toBe(1 / 10_000);
  expect(
    permutationTest(
      a,
      a.map((value) => value + 1),
      random,
    ),
  ).toBeGreaterThan(0.4);
});

it.each([
  [4, 4, 2 / 70],
  [5, 5, 2 / 252],
  [5, 6, 1 / 462],
  [30, 30, 1 / 10_000],
])("cannot fall below a limit with %d and %d units", (a, b, least) => {
  expect(smallestP(a, b)).toBeCloseTo(least, 12);
});

it("counts what lies above the common quantile as Fisher's exact test does", () => {
  // One-sided 0.0274 and 0.9966 by the definition: C(10,k) C(10,10-k) / C(20,10) over k from 8.
  const tail = (45 * 45 + 10 * 10 + 1) / 184_756;
  expect(quantileTest({ countA: 10, aboveA: 8, countB: 10, aboveB: 2 })).toBeCloseTo(2 * tail, 9);
  expect(quantileTest({ countA: 10, aboveA: 2, countB: 10, aboveB: 8 })).toBeCloseTo(2 * tail, 9);
  expect(quantileTest({ countA: 10, aboveA: 5, countB: 10, aboveB: 5 })).toBe(1);
  expect(quantileTest({ countA: 10, aboveA: 0, countB: 10, aboveB: 0 })).toBe(1);
  expect(quantileTest({ countA: 1e6, aboveA: 10_000, countB: 1e6, aboveB: 10_050 })).toBeCloseTo(0.727, 1);
  expect(quantileTest({ countA: 1e6, aboveA: 10_000, countB: 1e6, aboveB: 11_000 })).toBeLessThan(1e-9);
});

it("corrects as Holm does", () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});

it("never makes a result of Holm's smaller, nor changes the order", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (ps) => {
      const corrected = holm(ps);
      for (const [at, p] of ps.entries()) {
        expect(corrected[at]).toBeGreaterThanOrEqual(p);
        for (const [other, q] of ps.entries()) if (p < q) expect(corrected[at]).toBeLessThanOrEqual(corrected[other] ?? 0);
      }
    }),
  );
});
