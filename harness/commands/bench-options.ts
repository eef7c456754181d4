import { randomBytes } from "node:crypto";
import { type BenchDefaults, type Benchmark, type BenchOptions, benchDefaults, type SharedOption } from "../../suites/bench/benchmark.ts";
import { benchmarks } from "../../suites/bench/index.ts";
import type { OwnOption } from "../../suites/bench/own-option.ts";
import { UsageError } from "../errors.ts";
import { socketPathOf } from "../kms/socket.ts";
import { type LoadWords, readLoadWords } from "../load/load-words.ts";
import type { BundledProvider } from "../plugin-process.ts";
import { type BenchProvider, benchProviders } from "../run/schema.ts";
import { parseEtcdVersion, parseKubernetesVersion } from "../target/install/index.ts";

/** The words of the command line that decide what is measured; undefined where a benchmark's default holds. */
export interface BenchWords extends LoadWords {
  readonly suite: readonly string[];
  readonly secrets: string | undefined;
  readonly providers: string | undefined;
  readonly rounds: number | undefined;
  readonly "kms-latency": string | undefined;
  readonly "api-servers": number | undefined;
  readonly cachesize: number | undefined;
  readonly socket: string | undefined;
  readonly kubernetes: string;
  readonly etcd: string;
  readonly "feature-gates": string;
  readonly seed: string | undefined;
  readonly out: string | undefined;
}

/** A benchmark that was asked for, and with what. */
export interface ChosenBenchmark {
  readonly benchmark: Benchmark;
  readonly options: BenchOptions;
}

/** All requests of a phase are encoded beforehand, some 25 KB a Secret: more than this would take more memory than machines have to spare. */
const secretsMax = 100_000;
const roundsMax = 1000;
/** kube-apiserver waits no longer for a KMS (spec encryption-at-rest 1.3), but the longer wait is a measurement too. */
const kmsLatencyMsMax = 60_000;
const apiServersMax = 9;
const cacheSizeMax = 2 ** 31 - 1;

/** Which words of the command line a shared option stands for. */
const wordsOf: Readonly<Record<SharedOption, readonly (keyof BenchWords)[]>> = {
  secrets: ["secrets"],
  providers: ["providers"],
  load: ["rate", "arrivals", "replay", "in-flight", "closed-loop"],
  duration: ["duration"],
  rounds: ["rounds"],
  "kms-latency": ["kms-latency"],
  "api-servers": ["api-servers"],
  cachesize: ["cachesize"],
};

/** Every option that a benchmark has for itself, once. */
export const ownOptions: readonly OwnOption<unknown>[] = [
  ...new Map(Object.values(benchmarks).flatMap(({ own = [] }) => own.map((option) => [option.name, option] as const))).values(),
];

/**
 * Reads the words, or throws one UsageError that names everything that is wrong with them.
 * @param ownWords - by name, what was given of {@link ownOptions}
 */
export function parseBenchWords(
  words: BenchWords,
  bundledProvider: BundledProvider,
  ownWords: Readonly<Record<string, string>> = {},
): { readonly options: BenchOptions; readonly suites: readonly ChosenBenchmark[] } {
  const faults: string[] = [];
  const whole = (name: string, value: number, max: number): number => {
    if (!Number.isSafeInteger(value) || value < 1 || value > max) faults.push(`--${name} takes a whole number from 1 to ${max}`);
    return value;
  };
  const oneOf = <Known extends string>(name: string, word: string, known: readonly Known[]): Known[] => {
    const found = known.filter((each) => each === word);
    if (found.length === 0) faults.push(`${name} "${word}" is none of ${known.join(", ")}`);
    return found;
  };
  const given: { -readonly [Name in keyof BenchDefaults]: BenchDefaults[Name] } = {};

  if (words.secrets !== undefined) {
    given.secrets = listOf(words.secrets).map((word) => whole("secrets", Number(word), secretsMax));
    if (given.secrets.length === 0) faults.push("--secrets takes at least one number");
  }
  if (words.providers !== undefined) {
    const named = listOf(words.providers);
    given.providers = named.flatMap((word) => oneOf<BenchProvider>("The provider", word, benchProviders));
    if (named.length === 0) faults.push("--providers takes at least one name");
  }
  const chosen = words.suite
    .flatMap((word) => oneOf("The benchmark", word, Object.keys(benchmarks)))
    .map((id) => benchmarks[id])
    .filter((benchmark) => benchmark !== undefined);
  // What is wrong with them is wrong whatever a benchmark's own load is.
  readLoadWords(words, benchDefaults.load, faults);
  if (words.rounds !== undefined) given.rounds = whole("rounds", words.rounds, roundsMax);
  if (words["kms-latency"] !== undefined) {
    given.kmsLatenciesMs = listOf(words["kms-latency"]).map(Number);
    if (given.kmsLatenciesMs.length === 0 || !given.kmsLatenciesMs.every((ms) => ms >= 0 && ms <= kmsLatencyMsMax)) {
      faults.push(`--kms-latency takes milliseconds from 0 to ${kmsLatencyMsMax}, with commas between several`);
    }
  }
  if (words["api-servers"] !== undefined) given.apiServers = whole("api-servers", words["api-servers"], apiServersMax);
  if (words.cachesize !== undefined) given.cacheSize = whole("cachesize", words.cachesize, cacheSizeMax);
  faults.push(...strangers(words, ownWords, chosen));
  for (const option of ownOptions) {
    const word = ownWords[option.name];
    if (word !== undefined) faults.push(...faultOf(option, word));
  }
  const featureGates = parseFeatureGates(words["feature-gates"], faults);
  if (words.seed?.trim() === "") faults.push("--seed takes a word");
  if (words.out?.trim() === "") faults.push("--out takes a folder");
  if (faults.length > 0) {
    throw new UsageError("bad-bench-options", `${faults.join("; ")}.`, { hint: "`kmsmark bench --help` shows what there is." });
  }

  const kubernetesVersion = parseKubernetesVersion(words.kubernetes);
  const optionsWith = (defaults: BenchDefaults = {}): BenchOptions => ({
    ...benchDefaults,
    ...defaults,
    ...given,
    load: readLoadWords(words, defaults.load ?? benchDefaults.load, []),
    own: ownWords,
    kubernetesVersion,
    etcdVersion: parseEtcdVersion(words.etcd),
    featureGates: { ...quietGates(kubernetesVersion), ...featureGates },
    bundledProvider,
    pluginSocket: words.socket === undefined ? undefined : socketPathOf(words.socket),
    seed,
  });
  const seed = words.seed ?? randomBytes(4).toString("hex");
  return { options: optionsWith(), suites: chosen.map((benchmark) => ({ benchmark, options: optionsWith(benchmark.defaults) })) };
}

/** Options that were given and that no chosen benchmark knows: who gives one expects it to change something. */
function strangers(words: BenchWords, ownWords: Readonly<Record<string, string>>, chosen: readonly Benchmark[]): string[] {
  const known = new Set<string>(
    chosen.flatMap(({ understands, own = [] }) => [...understands.flatMap((option) => wordsOf[option]), ...own.map(({ name }) => name)]),
  );
  const given = [
    ...Object.values(wordsOf)
      .flat()
      .filter((name) => words[name] !== undefined),
    ...Object.keys(ownWords),
  ];
  const subject = chosen.length === 1 ? "the benchmark" : "the benchmarks";
  const names = chosen.map(({ id }) => id).join(", ");
  return chosen.length === 0
    ? []
    : given.filter((name) => !known.has(name)).map((name) => `--${name} means nothing to ${subject} ${names}`);
}

function faultOf(option: OwnOption<unknown>, word: string): string[] {
  try {
    option.parse(word);
    return [];
  } catch (thrown) {
    if (thrown instanceof UsageError) return [thrown.message.replace(/\.$/, "")];
    throw thrown;
  }
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function parseFeatureGates(text: string, faults: string[]): Record<string, boolean> {
  return Object.fromEntries(
    listOf(text).flatMap((word) => {
      const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)=(true|false)$/.exec(word) ?? [];
      if (name === undefined) faults.push(`--feature-gates takes Name=true or Name=false, not "${word}"`);
      return name === undefined ? [] : [[name, value === "true"] as const];
    }),
  );
}

/**
 * Since 1.34 an idle API server reads all its objects anew every 5 to 7.5 minutes, which would put Decrypt calls into phases that did not ask
 * for them; older servers do not know the gate and would not start with it (spec encryption-at-rest 6.4).
 */
function quietGates(kubernetesVersion: string): Record<string, boolean> {
  const minor = Number(kubernetesVersion.split(".")[1]);
  return minor >= 34 ? { DetectCacheInconsistency: false } : {};
}
