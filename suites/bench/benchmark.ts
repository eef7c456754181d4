import type { Clock } from "../../harness/clock.ts";
import type { Lease } from "../../harness/lease.ts";
import type { LoadPlan } from "../../harness/load/load-plan.ts";
import type { BundledProvider } from "../../harness/plugin-process.ts";
import type { Journal } from "../../harness/run/journal.ts";
import type { Progress } from "../../harness/run/progress.ts";
import type { Samples } from "../../harness/run/samples.ts";
import type { BenchProvider, PhaseName } from "../../harness/run/schema.ts";
import type { Capability, Target } from "../../harness/target/target.ts";
import type { OwnOption } from "./own-option.ts";

/** What a benchmark is asked to measure. */
export interface BenchOptions {
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly secrets: readonly number[];
  readonly providers: readonly BenchProvider[];
  readonly load: LoadPlan;
  /** How often everything is measured, the providers of a round in an order that is drawn anew. */
  readonly rounds: number;
  /** How much later than by itself the KMS answers every call, milliseconds; each is measured. */
  readonly kmsLatenciesMs: readonly number[];
  /** How many API servers share one store. */
  readonly apiServers: number;
  /** KMS v1's `cachesize`. */
  readonly cacheSize: number;
  /** The words given for the benchmark's own options, by their names; {@link OwnOption.of} reads them. */
  readonly own: Readonly<Record<string, string>>;
  /** The socket of somebody's plugin; the bundled one is started where there is none. */
  readonly pluginSocket: string | undefined;
  /** The KMS behind the bundled one. */
  readonly bundledProvider: BundledProvider;
  /** Everything random in the run comes from it. */
  readonly seed: string;
}

/** Groups of the command line's options that a benchmark may or may not know. `load` is `--rate`, `--arrivals`, `--replay`, `--in-flight` and `--closed-loop`;
 * `duration` makes it as many requests as fall due in a time, whatever the number of Secrets. */
export const sharedOptions = ["secrets", "providers", "load", "duration", "rounds", "kms-latency", "api-servers", "cachesize"] as const;
export type SharedOption = (typeof sharedOptions)[number];

/** What holds where neither the command line nor the benchmark says otherwise. */
export const benchDefaults = {
  secrets: [50],
  providers: ["identity", "kms-v2"],
  load: { model: "open", arrivals: "constant", ratePerSecond: 200, inFlightMax: 64 },
  rounds: 1,
  kmsLatenciesMs: [0],
  apiServers: 1,
  cacheSize: 1000,
} as const satisfies Partial<BenchOptions>;

export type BenchDefaults = Partial<Pick<BenchOptions, keyof typeof benchDefaults>>;

/** What a benchmark without a control plane may use; it owns none of it. */
export interface PluginBench {
  readonly options: BenchOptions;
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

/** What a benchmark of control planes may use. */
export interface Bench extends PluginBench {
  readonly target: Target;
}

interface BenchmarkFacts {
  /** Its file's name. */
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
  /** The options of the command line that mean something to it; it is not started with others. */
  readonly understands: readonly SharedOption[];
  /** Where its defaults are others than {@link benchDefaults}. */
  readonly defaults?: BenchDefaults;
  /** Options that it has for itself. */
  readonly own?: readonly OwnOption<unknown>[];
}

/** A benchmark of control planes that the target starts, or of one that is attached to. */
export interface ControlPlaneBenchmark extends BenchmarkFacts {
  readonly measures: "control-plane";
  /** Without one of these of the target it cannot be run. */
  readonly requires: readonly Capability[];
  /** Measures and writes what it measured to the journal, with a finding at the end. Throws only what ends the whole run. */
  run(bench: Bench): Promise<void>;
}

/** A benchmark that needs no control plane: none is chosen for it. */
export interface PluginBenchmark extends BenchmarkFacts {
  readonly measures: "plugin";
  /** As of a {@link ControlPlaneBenchmark}. */
  run(bench: PluginBench): Promise<void>;
}

/** One benchmark; its id is its file's name. */
export type Benchmark = ControlPlaneBenchmark | PluginBenchmark;
