import { expect, it } from "vitest";
import { formatBytes, formatMs, formatNs, formatRate } from "./units.ts";

it.each([
  [0, "0 ns"],
  [812, "812 ns"],
  [999, "999 ns"],
  [1000, "1.00 µs"],
  [41_520, "41.5 µs"],
  [999_499, "999 µs"],
  [999_500, "1.00 ms"],
  [1_234_567, "1.23 ms"],
  [9_994_999, "9.99 ms"],
  [9_996_000, "10.0 ms"],
  [99_960_000, "100 ms"],
  [999_600_000, "1.00 s"],
  [78_900_000_000, "78.9 s"],
  [1_234_000_000_000, "1234 s"],
])("writes %d ns as %s", (ns, text) => {
  expect(formatNs(ns)).toBe(text);
});

it.each([
  [0.0412, "41.2 µs"],
  [250, "250 ms"],
  [2900, "2.90 s"],
])("writes %d ms as %s", (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.00 KiB"],
  [3137, "3.06 KiB"],
  [1024 ** 2, "1.00 MiB"],
  [1.5 * 1024 ** 2, "1.50 MiB"],
  [16 * 1024 ** 3, "16.0 GiB"],
])("writes %d bytes as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0, "0.00/s"],
  [8.249, "8.25/s"],
  [199.96, "200/s"],
  [12_345.6, "12346/s"],
])("writes %d a second as %s", (perSecond, text) => {
  expect(formatRate(perSecond)).toBe(text);
});
