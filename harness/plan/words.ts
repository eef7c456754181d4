import type { PlanRange } from "../run/plan-schema.ts";
import { group } from "./quantity.ts";

const units = [
  [86_400_000, "days"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

/** `12,345`, with one decimal below ten. */
export function amount(value: number): string {
  return group(value < 9.95 && !Number.isInteger(value) ? Math.round(value * 10) / 10 : Math.round(value));
}

/** `10 to 36`, or one number where both ends are the same. */
export function rangeWords({ min, max }: PlanRange): string {
  return amount(min) === amount(max) ? amount(max) : `${amount(min)} to ${amount(max)}`;
}

/** `41.5 s`, `12.3 min`. */
export function timeWords(ms: number): string {
  const [size, unit] = units.find(([each]) => ms >= 2 * each) ?? ([1, "ms"] as const);
  const value = ms / size;
  return `${value < 99.95 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** Null: no end can be told. */
export function readyWords(ms: number | null): string {
  return ms === null ? "an end that cannot be told" : timeWords(ms);
}
