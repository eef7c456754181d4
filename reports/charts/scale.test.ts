import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesAxis, countAxis, latencyAxis, percentileAxis, timeAxis } from "./axes.ts";
import { scaleFor } from "./scale.ts";

const axes = [
  { name: "linear", axis: timeAxis, values: [0, 11.5] },
  { name: "whole", axis: countAxis("calls", "calls", "linear"), values: [0, 3] },
  { name: "binary", axis: bytesAxis, values: [0, 3100] },
  { name: "logarithmic", axis: latencyAxis, values: [812_000, 41_000_000] },
  { name: "with a place for 0", axis: countAxis("calls", "calls", "zero-log"), values: [0, 500] },
  { name: "of nines", axis: percentileAxis, values: [0, 99.95] },
] as const;

describe("the ticks of an axis", () => {
  it.each([
    ["linear", [0, 2, 4, 6, 8, 10]],
    ["whole", [0, 1, 2, 3]],
    ["binary", [0, 1024, 2048, 3072]],
    ["logarithmic", [1e6, 2e6, 3e6, 5e6, 1e7, 2e7, 3e7]],
    ["with a place for 0", [0, 1, 10, 100]],
    ["of nines", [0, 50, 90, 99, 99.9]],
  ])("are round: %s", (name, ticks) => {
    const found = axes.find((each) => each.name === name);
    if (found === undefined) throw new Error(name);
    expect(scaleFor(found.axis, found.values, 7).ticks).toEqual(ticks);
  });

  it("are whole numbers where there is nothing between 1 and 2", () => {
    expect(scaleFor(countAxis("calls", "calls", "linear"), [0, 1], 5).ticks).toEqual([0, 1]);
  });

  it.each(axes)("lie on it, in their order and no more than fit, whatever it holds: $name", ({ axis }) => {
    const value =
      axis.scale === "nines" ? fc.double({ min: 0, max: 99.9999, noNaN: true }) : fc.double({ min: 0.001, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.integer({ min: 4, max: 12 }), (values, ticksMax) => {
        const { low, high, at, ticks } = scaleFor(axis, values, ticksMax);
        for (const each of values) expect(at(each)).toBeLessThanOrEqual(high + 1e-9);
        for (const each of values) expect(at(each)).toBeGreaterThanOrEqual(low - 1e-9);
        const places = ticks.map(at);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(new Set(places).size).toBe(places.length);
        for (const place of places) {
          expect(place).toBeGreaterThanOrEqual(low - 1e-9);
          expect(place).toBeLessThanOrEqual(high + 1e-9);
        }
        expect(ticks.length).toBeLessThanOrEqual(axis.scale === "nines" ? 9 : ticksMax + 1);
      }),
    );
  });
});

it("makes a scale also where there is nothing, or one value", () => {
  for (const { axis } of axes) {
    for (const values of [[], [5]]) {
      const { low, high } = scaleFor(axis, values, 5);
      expect(high).toBeGreaterThan(low);
    }
  }
});
