import { UsageError } from "../errors.ts";
import { figureOf } from "./figures.ts";
import { type BenchmarkNames, isMeant, type MeasuredCell, type Metric, parseMetric, requireMetric, requireParameter } from "./metric.ts";
import { formatQuantity, parseQuantity, type Quantity, quantityExamples } from "./quantity.ts";
import { median, type Reading, type Rounds, readRounds, roundsOf } from "./rounds.ts";
import type { Threshold } from "./schema.ts";

const operators = ["<=", ">=", "==", "<", ">"] as const;
type Operator = (typeof operators)[number];

/** What a metric is held against: a quantity, or so many times a parameter of the cell. */
type Bound = Quantity | { readonly factor: number; readonly parameter: string };

/** A condition that every cell which its metric means has to hold. */
export interface Condition {
  /** As it was given. */
  readonly expression: string;
  readonly metric: Metric;
  readonly operator: Operator;
  readonly bound: Bound;
}

const hint = "Write METRIC OPERATOR VALUE, for instance 'kms-v2.write.p99<20ms', 'kms-v1.cold.decrypts<=secrets' or 'write.failed==0'.";

/**
 * Reads a condition: a metric, one of `<`, `<=`, `==`, `>=`, `>`, and a quantity (`20ms`, `64KiB`, `200/s`, `50`), a parameter of the
 * cell (`secrets`), or so many times one (`2*secrets`).
 * @throws UsageError `bad-threshold` or, of its metric, `bad-metric`.
 */
export function parseThreshold(expression: string): Condition {
  const bad = (why: string) => badThreshold(expression, why);
  const [left, operator, right] = splitAtOperator(expression, operators);
  if (operator === undefined && /\[[^\]]*$/.test(expression)) throw bad("a bracket is not closed");
  if (operator === undefined) throw bad(`it has none of ${operators.join(", ")}`);
  const metric = parseMetric(left);
  const bound = parseBound(right);
  if (bound === undefined) throw bad(`"${right}" is neither a value like 20ms, 64KiB, 200/s or 50, nor a parameter like secrets`);
  return { expression, metric, operator, bound };
}

function badThreshold(expression: string, why: string): UsageError {
  return new UsageError("bad-threshold", `The threshold "${expression}" cannot be understood: ${why}.`, { hint });
}

/** The texts before and behind the first operator that is not in brackets, without blanks around them. */
export function splitAtOperator<Known extends string>(
  text: string,
  known: readonly Known[],
): readonly [left: string, operator: Known | undefined, right: string] {
  const [before = ""] = /^(?:[^[<>=]|\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\])*/s.exec(text) ?? [];
  const rest = text.slice(before.length);
  const operator = known.find((each) => rest.startsWith(each));
  return [before.trim(), operator, operator === undefined ? "" : rest.slice(operator.length).trim()];
}

function parseBound(text: string): Bound | undefined {
  const [, factor = "1", parameter] = /^(?:(\d+(?:\.\d+)?)\s*\*\s*)?([a-z][A-Za-z0-9]*)$/.exec(text) ?? [];
  return parameter === undefined ? parseQuantity(text) : { factor: Number(factor), parameter };
}

/**
 * Holds a condition against the names that there are. Throws UsageError `unknown-metric` where it names what cannot be in a run of these
 * benchmarks, `bad-threshold` where its bound is of another kind than its figure.
 */
export function requireThreshold({ expression, metric, bound }: Condition, benchmarks: readonly BenchmarkNames[]): void {
  requireMetric(metric, benchmarks);
  const { dimension } = figureOf(metric.figure);
  if (("dimension" in bound ? bound.dimension : "count") !== dimension) {
    throw badThreshold(expression, `${metric.figure} is a ${dimension}, so its bound is written like ${quantityExamples[dimension]}`);
  }
  if ("dimension" in bound) return;
  requireParameter(bound.parameter, metric, benchmarks, (why) => badThreshold(expression, why));
}

/** How many cells a threshold's sentence names. */
const cellsNamedMax = 4;

/**
 * Judges a condition by what was measured. It holds where every cell that it means holds it, and there is one: the figures of a
 * distribution over all rounds together, counts in each round, other figures by the median of the rounds.
 */
export function judgeThreshold(condition: Condition, cells: readonly MeasuredCell[]): Threshold {
  const { expression, metric } = condition;
  const meant = roundsOf(cells.filter((cell) => isMeant(metric, cell)));
  const judged = meant.map((rounds) => judgeRounds(condition, rounds));
  // Who did not name a provider does not ask those for KMS calls that make none.
  const found =
    metric.provider === undefined && judged.some(({ isMissing }) => !isMissing) ? judged.filter(({ isMissing }) => !isMissing) : judged;
  if (found.length === 0) return { expression, holds: false, measured: "no cell of the run is meant by it" };
  const broken = found.filter(({ holds }) => !holds);
  const named = broken.length > 0 ? broken : found;
  const words = named.slice(0, cellsNamedMax).map(({ name, words: each }) => (meant.length === 1 ? each : `${name}: ${each}`));
  const more = named.length > cellsNamedMax ? [`and ${named.length - cellsNamedMax} more`] : [];
  return { expression, holds: broken.length === 0, measured: [...words, ...more].join("; ") };
}

interface Judged {
  readonly name: string;
  readonly holds: boolean;
  readonly isMissing: boolean;
  readonly words: string;
}

function judgeRounds({ metric, operator, bound }: Condition, rounds: Rounds): Judged {
  const { name } = rounds;
  const reading = readRounds(metric, rounds);
  if ("missing" in reading) return { name, holds: false, isMissing: true, words: reading.missing };
  const limit = boundIn(bound, rounds);
  if (limit === undefined) return { name, holds: false, isMissing: false, words: "its bound is no number there" };
  const figure = figureOf(metric.figure);
  const value = decisive(reading, { isCount: figure.kind === "count", operator, limit });
  const words = formatQuantity({ value, dimension: figure.dimension });
  const against = "dimension" in bound ? "" : ` against ${formatQuantity({ value: limit, dimension: "count" })}`;
  return { name, holds: holds(value, operator, limit), isMissing: false, words: `${words}${against}` };
}

function boundIn(bound: Bound, { cells: [cell] }: Rounds): number | undefined {
  if ("dimension" in bound) return bound.value;
  const value = bound.parameter === "secrets" ? cell.secrets : cell.parameters[bound.parameter];
  return typeof value === "number" ? value * bound.factor : undefined;
}

/** The value that the condition stands or falls with. */
function decisive(
  { values }: Extract<Reading, { values: unknown }>,
  { isCount, operator, limit }: { readonly isCount: boolean; readonly operator: Operator; readonly limit: number },
): number {
  if (!isCount) return median(values);
  return values.find((value) => !holds(value, operator, limit)) ?? (operator.startsWith("<") ? Math.max(...values) : Math.min(...values));
}

function holds(value: number, operator: Operator, limit: number): boolean {
  switch (operator) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case "==":
      return value === limit;
    case ">=":
      return value >= limit;
    case ">":
      return value > limit;
  }
}
