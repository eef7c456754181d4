import { UsageError } from "../errors.ts";
import type { Plan, PlanFigures } from "../run/plan-schema.ts";
import { durationWithDaysMs } from "./quantity.ts";
import { amount, timeWords } from "./words.ts";

/** The figures that a limit may be stated for; durations in milliseconds. */
const measures = {
  "decrypts-per-start": { of: (figures) => figures.decryptsPerStart, isTime: false },
  "ready-one": { of: (figures) => figures.readyOneMs, isTime: true },
  "ready-all": { of: (figures) => figures.readyAllMs, isTime: true },
  "ready-region": { of: (figures) => figures.readyRegionMs, isTime: true },
  "calls-per-month": { of: (figures) => figures.callsPerMonth, isTime: false },
  "calls-per-second": { of: (figures) => figures.callsPerSecondPeak, isTime: false },
  "quota-use": { of: (figures) => figures.quotaUse, isTime: false },
  "usd-per-month": { of: (figures) => figures.usdPerMonth, isTime: false },
} satisfies Readonly<Record<string, { of(figures: PlanFigures): number | null; readonly isTime: boolean }>>;
type MeasureName = keyof typeof measures;

/** `ready-all <= 30s`. */
export interface StatedLimit {
  readonly expression: string;
  readonly measure: MeasureName;
  readonly max: number;
  readonly isStrict: boolean;
}

/** @throws UsageError `bad-limit` */
export function parseStatedLimit(text: string): StatedLimit {
  const [, word = "", sign = "", value = ""] = /^\s*([a-z-]+)\s*(<=|<)\s*(\S+)\s*$/.exec(text) ?? [];
  const measure = measureOf(word);
  if (measure === undefined) throw badLimit(text);
  const max = measures[measure].isTime
    ? durationWithDaysMs(value)
    : /^\d/.test(value)
      ? Number(value.replace(/%$/, "")) / (value.endsWith("%") ? 100 : 1)
      : undefined;
  if (max === undefined || !Number.isFinite(max)) throw badLimit(text);
  return { expression: text.trim(), measure, max, isStrict: sign === "<" };
}

/** Whether the figure keeps to the limit; what is never reached does not, and neither does what cannot be told. */
export function judge({ expression, measure, max, isStrict }: StatedLimit, figures: PlanFigures): Plan["stated"][number] {
  const value = measures[measure].of(figures);
  const told = value === null ? "never, or not known" : measures[measure].isTime ? timeWords(value) : amount(value);
  return { expression, told, holds: value !== null && (isStrict ? value < max : value <= max) };
}

function measureOf(word: string): MeasureName | undefined {
  return Object.keys(measures).find((name): name is MeasureName => name === word);
}

function badLimit(text: string): UsageError {
  return new UsageError("bad-limit", `--limit "${text}" cannot be understood: it takes a figure, <= or <, and a value.`, {
    hint: `For instance 'ready-all <= 30s' or 'quota-use < 80%'; the figures are ${Object.keys(measures).join(", ")}.`,
  });
}
