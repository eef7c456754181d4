import type { Benchmark, BenchOptions } from "../../suites/bench/benchmark.ts";
import type { BenchmarkNames } from "../run/metric.ts";
import { type Condition, parseThreshold, requireThreshold } from "../run/threshold.ts";

/** What cells of every benchmark may be distinguished by. */
const sharedParameters = ["kmsLatencyMs", "apiServers"];

interface Chosen {
  readonly benchmark: Pick<Benchmark, "id" | "metrics">;
  readonly options: Pick<BenchOptions, "providers" | "apiServers">;
}

/** Reads the thresholds of the command line. Throws a UsageError for what is none, and for what the chosen benchmarks cannot measure. */
export function parseThresholds(expressions: readonly string[], chosen: readonly Chosen[]): Condition[] {
  const names = chosen.map(
    ({ benchmark: { id, metrics }, options: { providers, apiServers } }): BenchmarkNames => ({
      id,
      providers,
      phases: metrics.phases,
      figures: [...perServerFigures(apiServers), ...(metrics.figures ?? [])],
      parameters: [...sharedParameters, ...(metrics.parameters ?? [])],
    }),
  );
  const conditions = expressions.map(parseThreshold);
  for (const condition of conditions) requireThreshold(condition, names);
  return conditions;
}

/** What a phase says of several API servers, each of which has a tap of its own. */
function perServerFigures(apiServers: number): string[] {
  return apiServers < 2 ? [] : Array.from({ length: apiServers }, (_, at) => `apiServer${at + 1}KmsCalls`);
}
