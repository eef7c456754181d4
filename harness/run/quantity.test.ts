import fc from "fast-check";
import { expect, it } from "vitest";
import { dimensions, formatQuantity, parseQuantity, quantityExamples } from "./quantity.ts";

it.each([
  ["20ms", 20e6, "time"],
  ["1.5s", 1.5e9, "time"],
  ["250us", 250e3, "time"],
  ["250µs", 250e3, "time"],
  ["7ns", 7, "time"],
  ["2m", 120e9, "time"],
  ["1h", 3600e9, "time"],
  ["64KiB", 65_536, "size"],
  ["1.5MiB", 1_572_864, "size"],
  ["3kB", 3000, "size"],
  ["12B", 12, "size"],
  ["200/s", 200, "rate"],
  ["50", 50, "count"],
])("reads %s", (text, value, dimension) => {
  expect(parseQuantity(text)).toEqual({ value, dimension });
});

it.each(["", "ms", "-1ms", "1 ms", "1e3", "1.ms", ".5s", "10%", "20mss", "1kb", "1/h", "0x10", "1ms2"])(
  "does not take %j for one",
  (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  },
);

it.each([
  [{ value: 19_214_000, dimension: "time" }, "19.21ms"],
  [{ value: 999_960, dimension: "time" }, "1ms"],
  [{ value: 78.9e9, dimension: "time" }, "78.9s"],
  [{ value: 0, dimension: "time" }, "0ns"],
  [{ value: 3137, dimension: "size" }, "3.063KiB"],
  [{ value: 12_345.6, dimension: "rate" }, "12346/s"],
  [{ value: 50, dimension: "count" }, "50"],
  [{ value: -2_000_000, dimension: "time" }, "-2ms"],
] as const)("writes %j as %s", (quantity, text) => {
  expect(formatQuantity(quantity)).toBe(text);
});

it("reads what it writes, to four digits", () => {
  const value = fc.double({ min: 0, max: 1e15, noNaN: true });
  fc.assert(
    fc.property(value, fc.constantFrom(...dimensions), (exact, dimension) => {
      const read = parseQuantity(formatQuantity({ value: exact, dimension }));
      expect(read?.dimension).toBe(dimension);
      expect(Math.abs((read?.value ?? Number.NaN) - exact)).toBeLessThanOrEqual(0.0005 * exact + 1e-6);
    }),
  );
});

it("reads its own examples", () => {
  for (const dimension of dimensions) expect(parseQuantity(quantityExamples[dimension])?.dimension).toBe(dimension);
});
