import type { Clock } from "../../harness/clock.ts";
import type { Lease } from "../../harness/lease.ts";
import type { BundledProvider } from "../../harness/plugin-process.ts";
import type { Journal } from "../../harness/run/journal.ts";
import type { Progress } from "../../harness/run/progress.ts";
import type { Samples } from "../../harness/run/samples.ts";
import type { BenchProvider, Load, PhaseName } from "../../harness/run/schema.ts";
import type { Target } from "../../harness/target/target.ts";

/** What a benchmark is asked to measure. */
export interface BenchOptions {
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly secrets: readonly number[];
  readonly providers: readonly BenchProvider[];
  readonly load: Load;
  /** KMS v1's `cachesize`. */
  readonly cacheSize: number;
  /** The socket of somebody's plugin; the bundled one is started where there is none. */
  readonly pluginSocket: string | undefined;
  /** The KMS behind the bundled one. */
  readonly bundledProvider: BundledProvider;
  /** Everything random in the run comes from it. */
  readonly seed: string;
}

/** What a benchmark may use; it owns none of it. */
export interface Bench {
  readonly options: BenchOptions;
  readonly target: Target;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly journal: Journal;
  readonly samples: Samples;
  readonly progress: Progress;
}

/** The names that a benchmark gives to what it measures, so that a threshold on anything else is refused before it begins. */
export interface BenchmarkMetrics {
  readonly phases: readonly PhaseName[];
  /** The figures of its phases, beside those that every phase has. */
  readonly figures?: readonly string[];
  /** The parameters of its cells. */
  readonly parameters?: readonly string[];
}

/** One benchmark; its id is its file's name. */
export interface Benchmark {
  readonly id: string;
  /** What a reader knows afterwards. */
  readonly question: string;
  /** What is known of it without this benchmark, and from where, in a sentence. */
  readonly knownBefore: string;
  /** How long it takes as it is by default, in words, with what decides that. */
  readonly takes: string;
  /** What it cannot do without, in words: a control plane that can be restarted, a tap, nothing. */
  readonly needs: string;
  readonly metrics: BenchmarkMetrics;
  /** Measures and writes what it measured to the journal. Throws only what ends the whole run. */
  run(bench: Bench): Promise<void>;
}
