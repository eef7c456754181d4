import { expect, it } from "vitest";
import { durationWithDaysMs, durationWord, group } from "./quantity.ts";

it("reads durations with days, and writes them as they are read", () => {
  expect(["40ms", "90s", "12h", "30d", "1.5d", "soon", "-1s"].map(durationWithDaysMs)).toEqual([
    40,
    90_000,
    43_200_000,
    2_592_000_000,
    129_600_000,
    undefined,
    undefined,
  ]);
  for (const word of ["40ms", "90s", "12h", "30d"]) expect(durationWord(durationWithDaysMs(word) ?? Number.NaN)).toBe(word);
});

it("groups digits by thousands, and keeps fractions", () => {
  expect([0, 999, 1000, 1_234_567, 1234.5, 0.01].map(group)).toEqual(["0", "999", "1,000", "1,234,567", "1,234.5", "0.01"]);
});
