import { formatBytes, formatMs, formatNs } from "../units.ts";
import type { Axis } from "./chart.ts";

/** Nanoseconds, over several powers of ten. */
export const latencyAxis = { title: "latency", column: "latency_ns", scale: "log", text: formatNs } as const satisfies Axis;

/** Percentiles: 99.9 is one nine beyond 99. */
export const percentileAxis = {
  title: "percentile",
  column: "percentile",
  scale: "nines",
  isPlain: true,
  text: (percent) => `p${Number(percent.toPrecision(8))}`,
} as const satisfies Axis;

/** Seconds since a cell began. */
export const timeAxis = {
  title: "time",
  column: "time_s",
  scale: "linear",
  isPlain: true,
  text: (seconds) => (seconds === 0 ? "0" : formatMs(seconds * 1000)),
} as const satisfies Axis;

/** Bytes from nothing. */
export const bytesAxis = {
  title: "bytes",
  column: "bytes",
  scale: "linear",
  isPlain: true,
  steps: "binary",
  text: (bytes) => (bytes === 0 ? "0" : formatBytes(bytes)),
} as const satisfies Axis;

/** How often; from 0, or over several powers of ten with a place for 0. */
export function countAxis(title: string, column: string, scale: "linear" | "log" | "zero-log"): Axis {
  return { title, column, scale, steps: "whole", text: countText, tick: shortCount };
}

/** `12,345`. */
export function countText(value: number): string {
  const rounded = Number.isInteger(value) ? String(value) : value.toPrecision(3).replace(/\.?0+$/, "");
  return rounded.replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** `10 k`, `3 M` from ten thousand on. */
function shortCount(value: number): string {
  const units = [
    { least: 1e9, sign: "G" },
    { least: 1e6, sign: "M" },
    { least: 1e4, sign: "k" },
  ];
  const unit = units.find(({ least }) => value >= least);
  return unit === undefined ? countText(value) : `${countText(value / (unit.sign === "k" ? 1000 : unit.least))} ${unit.sign}`;
}
