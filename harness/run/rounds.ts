import { LatencyHistogram } from "../load/histogram.ts";
import { type Figure, figureOf } from "./figures.ts";
import { cellName } from "./fold.ts";
import type { MeasuredCell, Metric } from "./metric.ts";
import type { Latency } from "./schema.ts";

/** The rounds of one cell, in their order. */
export interface Rounds<Measured extends MeasuredCell = MeasuredCell> {
  /** Equal for what was measured in the same way, also in another run. */
  readonly key: string;
  /** For people, without the round. */
  readonly name: string;
  readonly cells: readonly [Measured, ...Measured[]];
}

/** Cells that differ in nothing but the round, together. */
export function roundsOf<Measured extends MeasuredCell>(cells: readonly Measured[]): Rounds<Measured>[] {
  return [...Map.groupBy(cells, cellKey)].flatMap(([key, group]) => {
    const [first, ...rest] = group.toSorted((a, b) => a.round - b.round);
    if (first === undefined) return [];
    const isAlone = cells.every(({ benchmark }) => benchmark === first.benchmark);
    const name = cellName({ ...first, round: 1 });
    return [{ key, name: isAlone ? name : `${first.benchmark}: ${name}`, cells: [first, ...rest] }];
  });
}

/** Equal for cells that differ in nothing but the round. */
export function cellKey({
  benchmark,
  provider,
  secrets,
  parameters,
}: Pick<MeasuredCell, "benchmark" | "provider" | "secrets" | "parameters">): string {
  const pairs = Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([benchmark, provider, secrets, pairs]);
}

/** What a metric is in the rounds of a cell, or why there is nothing. */
export type Reading = { readonly values: readonly [number, ...number[]] } | { readonly missing: string };

/**
 * Reads a metric: a figure of a distribution from all rounds together, where one value is the whole; counts and single values
 * round by round.
 */
export function readRounds({ phase: phaseName, figure: name }: Pick<Metric, "phase" | "figure">, { cells }: Rounds): Reading {
  const figure = figureOf(name);
  const phases = cells.flatMap((cell) => cell.phases.filter((phase) => phase.name === phaseName));
  if (phases.length === 0) return { missing: `there was no phase ${phaseName}` };
  const readings =
    figure.kind === "latency"
      ? mergedValue(
          figure,
          phases.flatMap((phase) => figure.read(phase) ?? []),
        )
      : phases.flatMap((phase) => figure.read(phase) ?? []);
  const [first, ...rest] = readings;
  return first === undefined ? { missing: `${phaseName} has no ${name}` } : { values: [first, ...rest] };
}

function mergedValue({ statistic }: Extract<Figure, { kind: "latency" }>, latencies: readonly Latency[]): number[] {
  const [first, ...rest] = latencies;
  if (first === undefined) return [];
  const histogram = LatencyHistogram.fromLatency(first);
  for (const latency of rest) histogram.merge(LatencyHistogram.fromLatency(latency));
  if (typeof statistic === "number") return [histogram.quantileNs(statistic)];
  const merged = histogram.toLatency();
  return merged === null ? [] : [merged[statistic]];
}

/** The middle one, or the mean of both in the middle. */
export function median([first, ...rest]: readonly [number, ...number[]]): number {
  const sorted = [first, ...rest].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? first;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? first;
  return (lower + upper) / 2;
}
