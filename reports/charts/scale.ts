import type { Axis } from "./chart.ts";

/** How an axis is laid out: positions grow linearly with `at`. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  /** Where a value stands. */
  at(value: number): number;
  /** The values that are written at it. */
  readonly ticks: readonly number[];
}

/** The scale for what an axis has to hold. @param ticksMax how many values find room along it */
export function scaleFor({ scale, steps }: Axis, values: readonly number[], ticksMax: number): Scale {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (least > most) [least, most] = [0, 1];
  switch (scale) {
    case "linear":
      return linear({ least: Math.min(0, least), most, ticksMax, kind: steps });
    case "log":
      return logarithmic(Math.max(least, Number.MIN_VALUE), Math.max(most, Number.MIN_VALUE), ticksMax);
    case "zero-log":
      return zeroLog(most, ticksMax);
    case "nines":
      return nines(most);
  }
}

function linear(options: {
  readonly least: number;
  readonly most: number;
  readonly ticksMax: number;
  readonly kind: Axis["steps"];
}): Scale {
  const { least, most, ticksMax, kind } = options;
  const span = most > least ? most - least : 1;
  const apart = span / Math.max(1, ticksMax - 1);
  const step = kind === "binary" ? 2 ** Math.ceil(Math.log2(apart) - 1e-9) : roundStep(kind === "whole" ? Math.max(1, apart) : apart);
  const low = least === 0 ? 0 : Math.floor(least / step) * step;
  const high = most > least ? most : least + 1;
  const steps = Math.floor((high - low) / step + 1e-9);
  const ticks = Array.from({ length: steps + 1 }, (_, at) => Number((low + at * step).toPrecision(12))).filter((tick) => tick <= high);
  return { low, high, at: (value) => value, ticks };
}

/** 1, 2 or 5 times a power of ten, and no less than what is asked. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least) + 1e-12);
  const factor = [1, 2, 5].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Within a power of ten, the finest first. */
const tickFactors = [[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], [1, 1.5, 2, 3, 5, 7], [1, 2, 3, 5], [1, 2, 5], [1, 3], [1]] as const;

function logarithmic(least: number, most: number, ticksMax: number): Scale {
  // A little room, and at least a third of a power of ten, so that noise does not fill a chart.
  const middle = (Math.log10(least) + Math.log10(most)) / 2;
  const half = Math.max((Math.log10(most) - Math.log10(least)) / 2, 0.16) + 0.04;
  const low = middle - half;
  const high = middle + half;
  const choices = tickFactors.map((factors) => ticksOf(factors, low, high));
  // Neither more than find room, nor two where one does.
  const apart = (high - low) / (ticksMax * 1.6);
  const fits = (ticks: readonly number[]) =>
    ticks.length <= ticksMax && ticks.every((tick, at) => at === 0 || Math.log10(tick / (ticks[at - 1] ?? tick)) >= apart);
  const fitting = choices.find(fits) ?? everyNth(choices.at(-1) ?? [], ticksMax);
  return { low, high, at: Math.log10, ticks: fitting };
}

function ticksOf(factors: readonly number[], low: number, high: number): number[] {
  const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, at) => Math.floor(low) + at);
  return powers.flatMap((power) =>
    factors
      .map((factor) => Number((factor * 10 ** power).toPrecision(12)))
      .filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high),
  );
}

function everyNth(ticks: readonly number[], ticksMax: number): number[] {
  const every = Math.ceil(ticks.length / ticksMax);
  return ticks.filter((_, at) => at % every === 0);
}

/** 0, 1, 10, 100: what lies between 0 and 1 is no count. */
function zeroLog(most: number, ticksMax: number): Scale {
  const at = (value: number) => Math.log10(1 + Math.max(0, value) * 2);
  const powers = Math.max(1, Math.ceil(Math.log10(Math.max(most, 1))));
  const ticks = [0, ...Array.from({ length: powers + 1 }, (_, power) => 10 ** power)];
  const high = Math.max(at(most), at(1)) + 0.06;
  const shown = ticks.filter((tick) => at(tick) <= high);
  return { low: 0, high, at, ticks: shown.length <= ticksMax ? shown : [0, ...everyNth(shown.slice(1), ticksMax - 1)] };
}

/** Each nine is as wide as the one before it. */
function nines(most: number): Scale {
  const at = (percent: number) => -Math.log10(Math.max(1 - percent / 100, 1e-12));
  const high = Math.max(at(most), 1);
  const ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999, 99.99999].filter((tick) => at(tick) <= high + 1e-9);
  return { low: 0, high, at, ticks };
}
