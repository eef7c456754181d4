import type { BenchProvider, Cell, Parameters } from "../../harness/run/schema.ts";
import { type BenchPlane, startBenchPlane } from "./bench-plane.ts";
import type { Bench, BenchOptions } from "./benchmark.ts";
import { type CellOrigin, withinCell } from "./cell.ts";
import { interleaved, parametersOf } from "./interleaved.ts";

/** What is measured on the same control planes one after the other, each with all rounds and providers. */
export interface Variant<Value> {
  readonly value: Value;
  /** What distinguishes its cells. */
  readonly parameters: Parameters;
}

/** What a benchmark does on the control planes of its providers, which run beside one another all the time. */
export interface SideBySide<Prepared, Value> {
  readonly benchmark: string;
  readonly options: BenchOptions;
  readonly variants: readonly Variant<Value>[];
  /** Requests that a round of one provider sends, for the time left. */
  requestsOf(secrets: number, value: Value): number;
  /** Once for each control plane; counted nowhere. */
  prepare(plane: BenchPlane, secrets: number): Promise<Prepared>;
  /** Each round of each provider: measures, and leaves the control plane as it found it. */
  measure(plane: BenchPlane, prepared: Prepared, origin: CellOrigin, value: Value): Promise<void>;
  /** Whether the API servers do without their watch caches of Secrets. */
  readonly isUncached?: boolean;
}

/** For a benchmark whose cells differ in the common parameters alone. */
export const plain: readonly Variant<undefined>[] = [{ value: undefined, parameters: {} }];

/**
 * Starts a control plane for each provider and measures them in rounds, each round in an order of its own: what the machine does meanwhile
 * meets them all alike, and no difference between them is one of their starts.
 */
export async function sideBySide<Prepared, Value>(
  bench: Bench,
  { benchmark, options, variants, isUncached = false, ...work }: SideBySide<Prepared, Value>,
): Promise<Cell[]> {
  const { providers, rounds, kmsLatenciesMs, secrets } = options;
  const perRound = secrets
    .flatMap((count) => variants.map(({ value }) => work.requestsOf(count, value)))
    .reduce((sum, count) => sum + count, 0);
  const repeated = rounds * kmsLatenciesMs.length * providers.length;
  bench.progress.expect({ weight: perRound * repeated, cells: secrets.length * variants.length * repeated, phases: 0 });
  for (const count of secrets) {
    await using held = new AsyncDisposableStack();
    const planes = new Map<BenchProvider, { readonly plane: BenchPlane; readonly prepared: Prepared }>();
    for (const provider of new Set(providers)) {
      bench.progress.pass(`${benchmark}: starting the control plane of ${provider}, for ${count} Secrets`);
      const origin = { benchmark, provider, secrets: count, parameters: {}, round: 1 };
      const plane = held.use(await startBenchPlane({ ...bench, options }, origin, { isUncached }));
      planes.set(provider, { plane, prepared: await work.prepare(plane, count) });
    }
    for (const { value, parameters } of variants) {
      for (const kmsLatencyMs of kmsLatenciesMs) {
        for (const { plane } of planes.values()) await plane.chain?.delay(kmsLatencyMs);
        for (const { round, provider } of interleaved(options)) {
          const found = planes.get(provider);
          if (found === undefined) continue;
          const common = parametersOf(options, { kmsLatencyMs });
          const origin = { benchmark, provider, secrets: count, parameters: { ...parameters, ...common }, round };
          found.plane.meter.enter(origin);
          await withinCell(bench, origin, () => work.measure(found.plane, found.prepared, origin, value));
        }
      }
    }
  }
  return bench.journal.result().cells.filter((cell) => cell.benchmark === benchmark);
}
