import { randomBytes } from "node:crypto";
import type { Benchmark, BenchOptions } from "../../suites/bench/benchmark.ts";
import { benchmarks } from "../../suites/bench/index.ts";
import { UsageError } from "../errors.ts";
import { socketPathOf } from "../kms/socket.ts";
import type { BundledProvider } from "../plugin-process.ts";
import { type BenchProvider, benchProviders, type Load } from "../run/schema.ts";
import { parseEtcdVersion, parseKubernetesVersion } from "../target/install/index.ts";

/** The words of the command line that decide what is measured. */
export interface BenchWords {
  readonly suite: readonly string[];
  readonly secrets: string;
  readonly providers: string;
  readonly rate: number;
  readonly "in-flight": number;
  readonly "closed-loop": boolean;
  readonly cachesize: number;
  readonly socket: string | undefined;
  readonly kubernetes: string;
  readonly etcd: string;
  readonly "feature-gates": string;
  readonly seed: string | undefined;
  readonly out: string | undefined;
}

/** All requests of a phase are encoded beforehand, some 25 KB a Secret: more than this would take more memory than machines have to spare. */
const secretsMax = 100_000;
const rateMax = 100_000;
const inFlightMax = 4096;
const cacheSizeMax = 2 ** 31 - 1;

/** Reads the words, or throws one UsageError that names everything that is wrong with them. */
export function parseBenchWords(
  words: BenchWords,
  bundledProvider: BundledProvider,
): { readonly options: BenchOptions; readonly suites: readonly Benchmark[] } {
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

  const secrets = listOf(words.secrets).map((word) => whole("secrets", Number(word), secretsMax));
  if (secrets.length === 0) faults.push("--secrets takes at least one number");
  const providers = listOf(words.providers).flatMap((word) => oneOf<BenchProvider>("The provider", word, benchProviders));
  if (listOf(words.providers).length === 0) faults.push("--providers takes at least one name");
  const ids = words.suite.flatMap((word) => oneOf("The benchmark", word, Object.keys(benchmarks)));
  const inFlight = whole("in-flight", words["in-flight"], inFlightMax);
  if (!(words.rate > 0 && words.rate <= rateMax)) faults.push(`--rate takes a number above 0, at most ${rateMax}`);
  const load: Load = words["closed-loop"]
    ? { model: "closed", inFlight }
    : { model: "open", arrivals: "constant", ratePerSecond: words.rate, inFlightMax: inFlight };
  const cacheSize = whole("cachesize", words.cachesize, cacheSizeMax);
  const featureGates = parseFeatureGates(words["feature-gates"], faults);
  if (words.seed?.trim() === "") faults.push("--seed takes a word");
  if (words.out?.trim() === "") faults.push("--out takes a folder");
  if (faults.length > 0) {
    throw new UsageError("bad-bench-options", `${faults.join("; ")}.`, { hint: "`kmsmark bench --help` shows what there is." });
  }

  const kubernetesVersion = parseKubernetesVersion(words.kubernetes);
  const options: BenchOptions = {
    kubernetesVersion,
    etcdVersion: parseEtcdVersion(words.etcd),
    featureGates: { ...quietGates(kubernetesVersion), ...featureGates },
    secrets,
    providers,
    load,
    cacheSize,
    bundledProvider,
    pluginSocket: words.socket === undefined ? undefined : socketPathOf(words.socket),
    seed: words.seed ?? randomBytes(4).toString("hex"),
  };
  return { options, suites: ids.flatMap((id) => benchmarks[id] ?? []) };
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
