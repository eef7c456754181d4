import { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Latency } from "../kms/fault.ts";
import { durationMsOf, parseLatency } from "../kms/fault-syntax.ts";

const dayMs = 86_400_000;

/** A whole number, as a number or as a word. */
export function whole(from: number, to: number) {
  const says = `takes a whole number from ${group(from)} to ${group(to)}`;
  return z.union([z.number(), z.string()], says).transform((given, context) => {
    const value = numberOf(given);
    if (Number.isSafeInteger(value) && value >= from && value <= to) return value;
    return fault(context, `${says}, not ${quoted(given)}`);
  });
}

/** A number, with fractions, as a number or as a word. */
export function decimal(from: number, to: number) {
  const says = `takes a number from ${group(from)} to ${group(to)}`;
  return z.union([z.number(), z.string()], says).transform((given, context) => {
    const value = numberOf(given);
    return Number.isFinite(value) && value >= from && value <= to ? value : fault(context, `${says}, not ${quoted(given)}`);
  });
}

/** `40ms`, `90s`, `12h`, `30d` in milliseconds. */
export function duration(fromMs: number, toMs: number) {
  const says = `takes a duration from ${durationWord(fromMs)} to ${durationWord(toMs)}, such as 40ms, 90s, 12h or 30d`;
  return z.string(says).transform((given, context) => {
    const ms = durationWithDaysMs(given);
    return ms !== undefined && ms >= fromMs && ms <= toMs ? ms : fault(context, `${says}, not ${quoted(given)}`);
  });
}

/** A distribution of latencies, in the words that the tap's faults have for one. */
export function latency(toMs: number) {
  const says = `takes a latency of at most ${durationWord(toMs)}: 40ms, 10ms..30ms, exp(20ms) or quantiles(p50=10ms,p99=80ms)`;
  return z.string(says).transform((given, context): Latency => {
    try {
      const parsed = parseLatency(given, given);
      if (largestMs(parsed) <= toMs) return parsed;
    } catch (thrown) {
      if (!(thrown instanceof UsageError)) throw thrown;
    }
    return fault(context, `${says}, not ${quoted(given)}`);
  });
}

/** One of some words. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: ({ input }) => `takes one of ${words.join(", ")}, not ${quoted(input)}` });
}

/** Milliseconds of a duration that may count days; undefined where the text is none. */
export function durationWithDaysMs(text: string): number | undefined {
  const [, days] = /^(\d+(?:\.\d+)?)d$/.exec(text) ?? [];
  return days === undefined ? durationMsOf(text) : Number(days) * dayMs;
}

/** The longest that is usual of a distribution, milliseconds: of an exponential one its mean, which has no longest. */
function largestMs(of: Latency): number {
  switch (of.shape) {
    case "constant":
      return of.ms;
    case "uniform":
      return of.toMs;
    case "exponential":
      return of.meanMs;
    case "quantiles":
      return of.points.at(-1)?.ms ?? 0;
  }
}

/** Milliseconds as a duration of the command line: `40ms`, `90s`, `30d`. */
export function durationWord(ms: number): string {
  const [unit, size] =
    (
      [
        ["d", dayMs],
        ["h", 3_600_000],
        ["m", 60_000],
        ["s", 1000],
      ] as const
    ).find(([, each]) => ms >= each && ms % each === 0) ?? (["ms", 1] as const);
  return `${ms / size}${unit}`;
}

/** `1,000,000`. */
export function group(value: number): string {
  const [integer = "", fraction] = String(Math.round(value * 1000) / 1000).split(".");
  const grouped = integer.replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function numberOf(given: string | number): number {
  if (typeof given === "number") return given;
  return /^[+-]?\d/.test(given.trim()) ? Number(given.replaceAll("_", "")) : Number.NaN;
}

function quoted(given: unknown): string {
  return typeof given === "string" ? `"${given}"` : String(given);
}

function fault(context: z.core.$RefinementCtx, message: string): never {
  context.issues.push({ code: "custom", message, input: context.value });
  return z.NEVER;
}
