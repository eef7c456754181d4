import { UsageError } from "../errors.ts";
import type { Compared, Estimate, LimitResult } from "../run/comparison.ts";
import { figureOf } from "../run/figures.ts";
import { type BenchmarkNames, type Metric, parseMetric, requireMetric } from "../run/metric.ts";
import { formatQuantity, parseQuantity, type Quantity, quantityExamples } from "../run/quantity.ts";
import { splitAtOperator } from "../run/threshold.ts";

/** How far a metric may change from the first run to the second. */
export interface Limit {
  /** As it was given. */
  readonly expression: string;
  readonly metric: Metric;
  /** `>`: a change above the bound is a regression. */
  readonly operator: ">" | "<";
  /** In percent of the first run's, or as the difference itself. */
  readonly bound: { readonly percent: number } | Quantity;
}

const hint =
  "Write METRIC > +CHANGE or METRIC < -CHANGE, for instance 'write.p99 > +10%', 'kms-v1.cold.decrypts > +0' or 'write.rate < -5%'.";

/**
 * Reads a limit: a metric, `>` or `<`, and a change, in percent (`+10%`) or in the figure's own unit (`+2ms`, `-5/s`, `+0`).
 * @throws UsageError `bad-limit` or, of its metric, `bad-metric`.
 */
export function parseLimit(expression: string): Limit {
  const [left, operator, right] = splitAtOperator(expression, [">", "<"]);
  if (operator === undefined) throw badLimit(expression, "it has neither > nor <");
  const metric = parseMetric(left);
  const [, sign = "", digits, percent] = /^([+-]?)\s*(.*?)(%?)$/s.exec(right) ?? [];
  const size = parseQuantity(digits ?? "");
  if (size === undefined || (percent === "%" && size.dimension !== "count")) {
    throw badLimit(expression, `"${right}" is no change like +10% or +2ms`);
  }
  const value = sign === "-" ? -size.value : size.value;
  return { expression, metric, operator, bound: percent === "%" ? { percent: value } : { ...size, value } };
}

/** Holds a limit against the names that there are, as `requireThreshold` does a threshold. */
export function requireLimit({ expression, metric, bound }: Limit, benchmarks: readonly BenchmarkNames[]): void {
  requireMetric(metric, benchmarks);
  const { dimension } = figureOf(metric.figure);
  if ("percent" in bound || bound.dimension === dimension) return;
  throw badLimit(
    expression,
    `${metric.figure} is a ${dimension}, so a change of it is written like +10% or +${quantityExamples[dimension]}`,
  );
}

function badLimit(expression: string, why: string): UsageError {
  return new UsageError("bad-limit", `The limit "${expression}" cannot be understood: ${why}.`, { hint });
}

/** The level at which a test finds a difference. */
export const alpha = 0.05;

/**
 * Judges a limit by the metrics that it means, whose `pAdjusted` is over those of all limits. A change is a regression where its estimate is
 * beyond the bound and, so that noise is not taken for one, either the whole interval is or the test finds a difference at all. Counts that do not
 * vary are taken as they are. What cannot be judged is no limit kept.
 */
export function judgeLimit({ expression, metric, operator, bound }: Limit, meant: readonly Compared[]): LimitResult {
  const judged = meant.map((compared) => judgeOne({ operator, bound }, compared));
  const missingOnly = metric.provider === undefined && judged.some(({ verdict }) => verdict !== "not judged");
  // Who named no provider does not ask those for KMS calls that make none.
  const found = missingOnly ? judged.filter(({ isMissing }) => !isMissing) : judged;
  const worst = (["regression", "not judged"] as const).find((verdict) => found.some((each) => each.verdict === verdict)) ?? "kept";
  if (found.length === 0) return { expression, verdict: "not judged", measured: "no cell that both runs have is meant by it" };
  const named = found.filter(({ verdict }) => verdict === worst);
  const words = named.slice(0, namedMax).map(({ cell, words: each }) => (meant.length === 1 ? each : `${cell}: ${each}`));
  const more = named.length > namedMax ? [`and ${named.length - namedMax} more`] : [];
  return { expression, verdict: worst, measured: [...words, ...more].join("; ") };
}

/** How many cells a limit's sentence names. */
const namedMax = 4;

interface Judged {
  readonly cell: string;
  readonly verdict: LimitResult["verdict"];
  readonly isMissing: boolean;
  readonly words: string;
}

function judgeOne({ operator, bound }: Pick<Limit, "operator" | "bound">, compared: Compared): Judged {
  const { cell, base, other, ratio, difference, dimension, basis, pAdjusted, reason } = compared;
  const isMissing = base === null && other === null;
  if (base === null || other === null || difference === null || compared.verdict === "not judged") {
    return { cell, verdict: "not judged", isMissing, words: reason ?? "there is nothing to judge" };
  }
  const [change, limit] = "percent" in bound ? [relative(ratio, difference), bound.percent] : [difference, bound.value];
  const isBeyond = (value: number | null) => value !== null && (operator === ">" ? value > limit : value < limit);
  const isCertain = basis === "values" || isBeyond(operator === ">" ? change.low : change.high) || (pAdjusted ?? 1) <= alpha;
  const sides = `${formatQuantity({ value: base.value, dimension })} → ${formatQuantity({ value: other.value, dimension })}`;
  const write = "percent" in bound ? formatPercent : (value: number) => formatChange({ value, dimension });
  const interval = change.low === null || change.high === null ? "" : ` (95% interval ${write(change.low)} to ${write(change.high)})`;
  const test = pAdjusted === null ? "" : `, p ${formatP(pAdjusted)}`;
  return {
    cell,
    verdict: isBeyond(change.value) && isCertain ? "regression" : "kept",
    isMissing,
    words: `${sides}, ${write(change.value)}${interval}${test}${overWords(compared)}`,
  };
}

/** What the interval is over, because the same interval over less says less. */
function overWords({ basis, units }: Compared): string {
  if (basis === "rounds") return `, over ${units.base} and ${units.other} rounds`;
  return basis === "values" || basis === null ? "" : `, over the ${basis} of one round each, so that two equal runs may differ by more`;
}

/** In percent; anything is infinitely more than nothing. */
function relative(ratio: Estimate | null, { value }: Estimate): Estimate {
  const percent = (each: number | null) => (each === null ? null : (each - 1) * 100);
  if (ratio !== null) return { value: (ratio.value - 1) * 100, low: percent(ratio.low), high: percent(ratio.high) };
  return { value: value === 0 ? 0 : Math.sign(value) * Number.POSITIVE_INFINITY, low: null, high: null };
}

function formatPercent(percent: number): string {
  return Number.isFinite(percent) ? `${percent < 0 ? "" : "+"}${percent.toFixed(1)}%` : "from nothing";
}

function formatChange(change: Quantity): string {
  return `${change.value < 0 ? "" : "+"}${formatQuantity(change)}`;
}

function formatP(p: number): string {
  return p < 0.001 ? "below 0.001" : p.toFixed(3);
}
