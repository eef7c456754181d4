import { expect, it } from "vitest";
import { findMaxOption } from "./max-rate.ts";

it.each([
  ["p99<50ms", { text: "p99<50ms", percent: 99, limitMs: 50 }],
  ["p99.9 < 1.5s", { text: "p99.9<1.5s", percent: 99.9, limitMs: 1500 }],
  ["", undefined],
])("understands %j", (word, threshold) => {
  expect(findMaxOption.of({ own: { "find-max": word } })).toEqual(threshold);
});

it("searches nothing where it is not asked to", () => {
  expect(findMaxOption.of({ own: {} })).toBeUndefined();
});

it.each(["p99", "p99<50", "p99>50ms", "p100<1s", "p0<1s", "mean<1s", "p99<soon"])("refuses %j", (word) => {
  expect(() => findMaxOption.of({ own: { "find-max": word } })).toThrow(`like p99<50ms or p99.9<1s, not "${word}".`);
});
