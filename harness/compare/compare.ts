import { UsageError } from "../errors.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { Random } from "../random.ts";
import { type Basis, type Compared, type Comparison, comparisonVersion } from "../run/comparison.ts";
import { type Figure, figureOf, type MeasuredPhase, type Statistic } from "../run/figures.ts";
import { formatMetric, isMeant, type MeasuredCell, type Metric, namesOf } from "../run/metric.ts";
import { median, type Rounds, roundsOf } from "../run/rounds.ts";
import type { Latency } from "../run/schema.ts";
import type { Between } from "./between.ts";
import { bootstrapQuantile, bootstrapUnits, type Estimates } from "./bootstrap.ts";
import { comparedChecks } from "./compared-checks.ts";
import { Distribution } from "./distribution.ts";
import { alpha, judgeLimit, type Limit, requireLimit } from "./limit.ts";
import type { Side } from "./side.ts";
import { holm, permutationTest, quantileTest, smallestP } from "./significance.ts";
import { unlikenesses } from "./unlike.ts";

/** With fewer rounds on a side nothing can be said of how rounds vary: of 4 and 4, one division of 70 decides. */
const roundsMin = 5;
/** A run is cut into so many stretches of seconds, each of at least so many, so that what lasts for a second or two stays within one. */
const stretches = 10;
const secondsOfStretchMin = 3;
/** A quantile that has fewer observations on either side of it is not told apart from chance. */
const beyondMin = 10;

/**
 * Holds two runs, or cells of one by these names, against each other, figure by figure of the cells that both have, and against the limits. Throws UsageError
 * `unknown-metric` for a limit on what neither has, `nothing-in-common` where they have no cell alike.
 */
export function compare(base: Side, other: Side, limits: readonly Limit[], names: Between["names"] | null = null): Comparison {
  const known = namesOf([...base.cells, ...other.cells]);
  for (const limit of limits) requireLimit(limit, known);
  const seed = `${base.facts.runId}/${other.facts.runId}`;
  const random = new Random(seed);
  const [ofBase, ofOther] = [roundsOf(base.cells), roundsOf(other.cells)];
  const pairs = ofBase.flatMap((rounds): Pair[] => {
    const match = ofOther.find(({ key }) => key === rounds.key);
    return match === undefined ? [] : [{ base: rounds, other: match }];
  });
  const checks = comparedChecks(base.checks, other.checks);
  if (pairs.length === 0 && !checks.some((check) => check.base !== null && check.other !== null)) {
    throw new UsageError(
      "nothing-in-common",
      "The two sides measured and checked nothing that both have: no provider, number of Secrets and parameters are alike, and no check.",
    );
  }
  const wanted = pairs.flatMap((pair) => metricsOf(pair, limits).map((metric) => ({ pair, metric })));
  const made = wanted.map(({ pair, metric }) => ({ pair, metric, compared: compareMetric(metric, pair, random) }));
  const isNamed = ({ pair, metric }: Wanted) => limits.some((limit) => isOf(limit, metric, pair));
  const ofLimits = adjusted(made.filter(isNamed));
  const compared = adjusted(made).map((each) => each.compared);
  return {
    version: comparisonVersion,
    base: base.facts,
    other: other.facts,
    between:
      names === null
        ? null
        : { ...names, rounds: Math.min(...pairs.map((pair) => Math.min(pair.base.cells.length, pair.other.cells.length))) },
    unlike: unlikenesses(base, other),
    confidence: 1 - alpha,
    seed,
    compared,
    checks,
    limits: limits.map((limit) =>
      judgeLimit(
        limit,
        ofLimits.filter(({ pair, metric }) => isOf(limit, metric, pair)).map((each) => each.compared),
      ),
    ),
    notes: [...onlyIn("first", ofBase, ofOther), ...onlyIn("second", ofOther, ofBase), ...basisNotes(compared)],
  };
}

/**
 * Holds single figures of pairs of cells against each other, in the way of {@link compare} and with one correction for all of their tests; the cells of a
 * pair need not be alike. Only what is over rounds has intervals.
 */
export function compareFigures(wanted: readonly Wanted[], seed: string): Compared[] {
  const random = new Random(seed);
  const made = wanted.map(({ pair, metric }) => ({ compared: compareMetric(metric, pair, random, "rounds") }));
  return adjusted(made).map(({ compared }) => compared);
}

/** A cell on either side. */
interface Pair {
  readonly base: Rounds;
  readonly other: Rounds;
}

interface Wanted {
  readonly pair: Pair;
  readonly metric: Metric;
}

function isOf({ metric: named }: Limit, metric: Metric, { base }: Pair): boolean {
  return named.phase === metric.phase && named.figure === metric.figure && isMeant(named, base.cells[0]);
}

/** The figures of a cell that every comparison shows, and those that a limit names. */
function metricsOf(pair: Pair, limits: readonly Limit[]): Metric[] {
  const [first] = pair.base.cells;
  const usual = first.phases.flatMap((phase) => usualFigures(phase, pair).map((figure) => ({ phase: phase.name, figure })));
  const named = limits.filter(({ metric }) => isMeant(metric, first)).map(({ metric: { phase, figure } }) => ({ phase, figure }));
  const distinct = new Map([...usual, ...named].map((each) => [`${each.phase}.${each.figure}`, each]));
  return [...distinct.values()].map(({ phase, figure }) => ({ ...selectorOf(first), phase, figure }));
}

function selectorOf({ benchmark, provider, secrets, parameters }: MeasuredCell): Pick<Metric, "benchmark" | "provider" | "where"> {
  const pairs = Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]);
  return { benchmark, provider, where: Object.fromEntries([["secrets", String(secrets)], ...pairs]) };
}

function usualFigures(phase: MeasuredPhase, { base, other }: Pair): string[] {
  const { load, kms, figures } = phase;
  const isThere = (name: string) =>
    [...base.cells, ...other.cells].some((cell) => valuesOf(name, phasesOf(cell, phase.name)).some((value) => value > 0));
  return [
    ...(load === null ? ["duration"] : ["p50", "p99"]),
    ...(load?.model === "closed" ? ["rate"] : []),
    ...["failed", "dropped"].filter(isThere),
    // Status is asked by the clock, and a longer run has more of it.
    ...(kms === null ? [] : ["encrypts", "decrypts"].filter(isThere)),
    ...Object.keys(figures),
  ];
}

function phasesOf({ phases }: MeasuredCell, name: string): MeasuredPhase[] {
  return phases.filter((phase) => phase.name === name);
}

/** Of each phase that has the figure; of a distribution the statistic. */
function valuesOf(name: string, phases: readonly MeasuredPhase[]): number[] {
  const figure = figureOf(name);
  if (figure.kind !== "latency") return phases.flatMap((phase) => figure.read(phase) ?? []);
  return phases.flatMap((phase) => {
    const latency = figure.read(phase);
    return latency === null ? [] : [statisticOf(latency, figure.statistic)];
  });
}

function statisticOf(latency: Latency, statistic: Statistic): number {
  switch (statistic) {
    case 50:
      return latency.p50;
    case 90:
      return latency.p90;
    case 99:
      return latency.p99;
    case 99.9:
      return latency.p999;
    case "min":
    case "max":
    case "mean":
      return latency[statistic];
    default:
      return LatencyHistogram.fromLatency(latency).quantileNs(statistic);
  }
}

/** `intervalsOf`: for single requests an interval takes longer to draw than all else. */
function compareMetric(metric: Metric, { base, other }: Pair, random: Random, intervalsOf: "all" | "rounds" = "all"): Compared {
  const figure = figureOf(metric.figure);
  const [phasesA, phasesB] = [base, other].map(({ cells }) => cells.flatMap((cell) => phasesOf(cell, metric.phase)));
  const facts = {
    metric: formatMetric(metric),
    cell: base.name,
    phase: metric.phase,
    figure: metric.figure,
    dimension: figure.dimension,
    worse: worseOf(metric.figure),
  };
  const judged = judgeFigure(figure, metric, phasesA ?? [], phasesB ?? [], { random, intervalsOf });
  if ("reason" in judged) {
    const { reason, basis = null, base: from, other: to } = judged;
    const [a, b] = [from, to].map((value) => (value === undefined ? null : { value, low: null, high: null }));
    const units = { base: 0, other: 0 };
    return { ...facts, basis, units, base: a ?? null, other: b ?? null, ...nothing, verdict: "not judged", reason };
  }
  const { estimates, basis, units, p } = judged;
  // Of tests the verdict is given once all are made, because they are corrected for each other.
  const verdict = p !== null ? "no difference seen" : directionOf(estimates.difference.value);
  return { ...facts, basis, units, ...estimates, p, pAdjusted: null, verdict, reason: null };
}

const nothing = { ratio: null, difference: null, p: null, pAdjusted: null } as const;

function directionOf(difference: number): "higher" | "lower" | "equal" {
  if (difference === 0) return "equal";
  return difference > 0 ? "higher" : "lower";
}

/** Rates are better high, all else that every phase has is better low; of its own figures a benchmark knows. */
function worseOf(name: string): Compared["worse"] {
  if (name === "rate" || name === "ok" || name.endsWith("PerSecond")) return "lower";
  return name === "due" || (figureOf(name).dimension === "count" && figureOf(name).kind === "value") ? null : "higher";
}

type Judged =
  | {
      readonly estimates: Pick<Compared, "ratio"> & { readonly [Name in "base" | "other" | "difference"]: NonNullable<Compared[Name]> };
      readonly basis: Basis;
      readonly units: Compared["units"];
      readonly p: number | null;
    }
  | { readonly reason: string; readonly basis?: Basis; readonly base?: number; readonly other?: number };

function judgeFigure(
  figure: Figure,
  { phase, figure: name }: Metric,
  phasesA: readonly MeasuredPhase[],
  phasesB: readonly MeasuredPhase[],
  { random, intervalsOf }: { readonly random: Random; readonly intervalsOf: "all" | "rounds" },
): Judged {
  const [a, b] = [valuesOf(name, phasesA), valuesOf(name, phasesB)];
  const [firstA, ...restA] = a;
  const [firstB, ...restB] = b;
  const missing = [firstA, firstB].flatMap((value, at) => (value === undefined ? [at === 0 ? "first" : "second"] : []));
  if (firstA === undefined || firstB === undefined) {
    const where = missing.length === 2 ? "neither run" : `the ${missing.join("")} run`;
    const reason = missing.length === 2 ? `${where} has ${phase}.${name}` : `${where} has no ${phase}.${name}`;
    return { reason, ...(firstA === undefined ? {} : { base: firstA }), ...(firstB === undefined ? {} : { other: firstB }) };
  }
  const middles = { base: median([firstA, ...restA]), other: median([firstB, ...restB]) };
  if (figure.kind === "count" && isConstant(a) && isConstant(b)) return exact(middles, { base: a.length, other: b.length });
  if (a.length >= roundsMin && b.length >= roundsMin) return overUnits("rounds", a, b, random);
  if (figure.kind !== "latency") {
    return { ...middles, reason: `it is one value a round, and at least ${roundsMin} rounds of each say how far it varies (--rounds)` };
  }
  // Single requests say nothing of how rounds vary, and here it is known that there is something to say.
  if (a.length > 1 || b.length > 1) {
    return {
      ...middles,
      reason: `${a.length} and ${b.length} rounds do not say how far rounds vary: it takes one of each, or at least ${roundsMin}`,
    };
  }
  const [inA, inB] = haveEqualSteps([...phasesA, ...phasesB]) ? [stretchesOf(name, phasesA), stretchesOf(name, phasesB)] : [];
  if (inA !== undefined && inB !== undefined) return overUnits("seconds", inA, inB, random);
  if (typeof figure.statistic !== "number") {
    return { ...middles, reason: `a ${figure.statistic} is compared over rounds alone, at least ${roundsMin} of each (--rounds)` };
  }
  const [ofA, ofB] = [phasesA, phasesB].map((phases) => Distribution.of(phases.flatMap((each) => figure.read(each) ?? [])));
  return ofA === undefined || ofB === undefined
    ? { reason: "" }
    : overRequests(figure.statistic, ofA, ofB, intervalsOf === "all" ? random : null);
}

function isConstant([first, ...rest]: readonly number[]): boolean {
  return rest.every((value) => value === first);
}

function exact({ base, other }: { readonly base: number; readonly other: number }, units: Compared["units"]): Judged {
  return { estimates: estimatesWithout({ base, other }), basis: "values", units, p: null };
}

/** Without intervals. */
function estimatesWithout({ base, other }: { readonly base: number; readonly other: number }) {
  const bare = (value: number) => ({ value, low: null, high: null });
  return { base: bare(base), other: bare(other), ratio: base > 0 ? bare(other / base) : null, difference: bare(other - base) };
}

function overUnits(basis: Basis, a: readonly number[], b: readonly number[], random: Random): Judged {
  // Latencies and rates vary by factors, so it is their logarithms that are exchanged and resampled.
  const isPositive = [...a, ...b].every((value) => value > 0);
  const scaled = (values: readonly number[]) => (isPositive ? values.map(Math.log) : values);
  const estimates: Estimates = bootstrapUnits(a, b, random);
  return { estimates, basis, units: { base: a.length, other: b.length }, p: permutationTest(scaled(a), scaled(b), random) };
}

/** Without intervals where nothing random is given. */
function overRequests(percent: number, a: Distribution, b: Distribution, random: Random | null): Judged {
  const middles = { base: a.quantile(percent), other: b.quantile(percent) };
  const fewest = Math.min(a.count, b.count) * Math.min(percent / 100, 1 - percent / 100);
  if (fewest < beyondMin) {
    const needed = Math.ceil(beyondMin / Math.min(percent / 100, 1 - percent / 100));
    return {
      ...middles,
      basis: "requests",
      reason: `p${percent} of ${Math.min(a.count, b.count)} requests is chance; it takes ${needed} of them, or ${roundsMin} rounds`,
    };
  }
  const common = commonQuantile(percent, a, b);
  const p = quantileTest({ countA: a.count, aboveA: a.above(common), countB: b.count, aboveB: b.above(common) });
  const estimates = random === null ? estimatesWithout(middles) : bootstrapQuantile(percent, a, b, random);
  return { estimates, basis: "requests", units: { base: a.count, other: b.count }, p };
}

/** The quantile of both together, by bisection between their own. */
function commonQuantile(percent: number, a: Distribution, b: Distribution): number {
  const allowed = (a.count + b.count) * (1 - percent / 100);
  let low = Math.min(a.quantile(percent), b.quantile(percent));
  let high = Math.max(a.quantile(percent), b.quantile(percent));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (a.above(middle) + b.above(middle) <= allowed) high = middle;
    else low = middle;
  }
  return a.above(low) + b.above(low) <= allowed ? low : high;
}

/** A quantile of a few requests is another than that of many, so that steps of different widths are no units of one kind. */
function haveEqualSteps(phases: readonly MeasuredPhase[]): boolean {
  const widths = new Set(phases.map(({ timeline }) => timeline?.stepMs));
  const [stepMs = 0] = widths;
  return widths.size === 1 && stepMs >= 1000;
}

/** A value for each stretch of seconds: the geometric mean of its steps' own. Undefined where the phase was too short. */
function stretchesOf(name: string, phases: readonly MeasuredPhase[]): number[] | undefined {
  if (name !== "p50" && name !== "p99" && name !== "max") return undefined;
  const values = phases.flatMap(({ timeline }) => timeline?.load.flatMap((step) => step[name] ?? []) ?? []).filter((value) => value > 0);
  if (values.length < stretches * secondsOfStretchMin) return undefined;
  return Array.from({ length: stretches }, (_, at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((edge * values.length) / stretches));
    const logs = values.slice(from, to).map(Math.log);
    return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  });
}

/** The same with what Holm's correction makes of all its tests, and the verdicts that follow. */
function adjusted<Each extends { readonly compared: Compared }>(made: readonly Each[]): Each[] {
  const tested = made.filter(({ compared: { p } }) => p !== null);
  const corrected = holm(tested.map(({ compared: { p } }) => p ?? 1));
  return made.map((each) => {
    const pAdjusted = corrected[tested.indexOf(each)];
    if (pAdjusted === undefined) return each;
    const verdict = pAdjusted <= alpha ? directionOf(each.compared.difference?.value ?? 0) : "no difference seen";
    return { ...each, compared: { ...each.compared, pAdjusted, verdict } };
  });
}

function onlyIn(which: string, rounds: readonly Rounds[], others: readonly Rounds[]): string[] {
  const names = rounds.filter(({ key }) => others.every((each) => each.key !== key)).map(({ name }) => name);
  return names.length === 0 ? [] : [`Only the ${which} run has ${names.join("; ")}.`];
}

const basisSentences: Readonly<Record<Basis, string>> = {
  rounds: "Over rounds: intervals and tests hold for what varies from round to round.",
  seconds: `Over stretches of seconds of one run each: what varies from one run to the next is not in the intervals, and two equal builds may differ by more. At least ${roundsMin} rounds of each (bench --rounds) say more.`,
  requests: `Over single requests, as if they did not depend on each other: neither what varies from one run to the next nor a stall that many share is in the intervals, and two equal builds may differ by more. At least ${roundsMin} rounds of each (bench --rounds) say more.`,
  values: "Counts that do not vary between the rounds of a run are compared as they are.",
};

/** What the intervals are over, and whether the tests could find anything at all. */
function basisNotes(compared: readonly Compared[]): string[] {
  const used = new Set(compared.filter(({ verdict }) => verdict !== "not judged").map(({ basis }) => basis));
  const sentences = (["rounds", "seconds", "requests", "values"] as const)
    .filter((basis) => used.has(basis))
    .map((basis) => basisSentences[basis]);
  const tests = compared.filter(({ p }) => p !== null);
  const overRounds = tests.find(({ basis }) => basis === "rounds");
  if (overRounds === undefined) return sentences;
  const { base, other } = overRounds.units;
  const least = smallestP(base, other) * tests.length;
  const few = `With ${base} and ${other} rounds no test among ${tests.length} can find a difference: make more rounds, or name the metrics that count with --fail-on.`;
  return least > alpha ? [...sentences, few] : sentences;
}
