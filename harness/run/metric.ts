import { UsageError } from "../errors.ts";
import { distributionNames, figureNames, isKmsFigure, isOwnFigure, type MeasuredPhase } from "./figures.ts";
import { nearest } from "./nearest.ts";
import { type BenchProvider, benchProviders, type Cell } from "./schema.ts";

/** Cells of a run, by what they have in common. */
export interface Cells {
  /** Undefined for whichever has the phase. */
  readonly benchmark: string | undefined;
  /** Undefined for every one. */
  readonly provider: BenchProvider | undefined;
  /** Parameters of the cells meant, as they are written; `secrets` is one. */
  readonly where: Readonly<Record<string, string>>;
}

/** A figure of a result by its name, `cold-start/kms-v2[kmsLatencyMs=10].restart.p99`; it may stand in several cells. */
export interface Metric extends Cells {
  readonly phase: string;
  readonly figure: string;
}

/** What of a cell can be named. */
export interface MeasuredCell extends Pick<Cell, "benchmark" | "parameters" | "round" | "provider" | "secrets"> {
  readonly phases: readonly MeasuredPhase[];
}

/** The names that a metric of one benchmark can have. */
export interface BenchmarkNames {
  readonly id: string;
  readonly providers: readonly BenchProvider[];
  readonly phases: readonly string[];
  /** Its phases' own figures, beside those that every phase has. */
  readonly figures: readonly string[];
  readonly parameters: readonly string[];
}

const hint =
  "Write [BENCHMARK/][PROVIDER][[PARAMETER=VALUE,…]].PHASE.FIGURE, for instance kms-v2.write.p99, cold.decrypts or kms-v2[secrets=500].restart.duration.";

const namePattern = /^[a-z][a-z0-9-]*$/;
const figurePattern = /^[a-z][A-Za-z0-9]*(\.[a-z][a-z0-9]*(\.\d+)?|\.\d+)?$/;

/**
 * Reads a metric's name: `[BENCHMARK/][PROVIDER][[PARAMETER=VALUE,…]].PHASE.FIGURE`, or `PHASE.FIGURE` for every provider. A value with
 * anything but letters, digits and `_.:+-` in it stands in double quotes. Whether there is such a phase in a run is asked by
 * {@link requireMetric}.
 * @throws UsageError `bad-metric`.
 */
export function parseMetric(text: string): Metric {
  const bad = (why: string) => badMetric(text, why);
  const [, prefix, rest = ""] = /^(?:([^[\]/."]*)\/)?(.*)$/s.exec(text.trim()) ?? [];
  if (prefix !== undefined && !namePattern.test(prefix)) throw bad(`"${prefix}" is no name of a benchmark`);

  const [, before = "", brackets, after] = /^([^[\]]*)\[((?:[^"\]]|"(?:[^"\\]|\\.)*")*)\](.*)$/s.exec(rest) ?? [];
  if (brackets === undefined && /[[\]]/.test(rest)) throw bad("a bracket is not closed");
  if (brackets !== undefined && !after?.startsWith(".")) throw bad("a dot and a phase follow the brackets");
  const where = brackets === undefined ? {} : parseWhere(brackets, bad);
  const words = wordsOf(brackets === undefined ? rest : (after ?? "").slice(1));
  const isNamed = brackets === undefined && isProvider(words[0]);
  const name = brackets === undefined ? (isNamed || hasUnknownProvider(words) ? words.shift() : undefined) : before || undefined;
  const provider = name === undefined ? undefined : benchProviders.find((each) => each === name);
  if (name !== undefined && provider === undefined) throw bad(unknown("provider", name, benchProviders));

  const [phase = "", ...figureWords] = words;
  const figure = figureWords.join(".");
  if (!namePattern.test(phase)) throw bad(phase === "" ? "it names no phase" : `"${phase}" is no name of a phase`);
  if (figure === "") throw bad("it names no figure of the phase");
  if (!figurePattern.test(figure)) throw bad(`"${figure}" is no name of a figure`);
  if (figure.includes(".") && !isOwnFigure(figure)) throw bad(unknown("figure", figure, figureNames));
  return { benchmark: prefix, provider, where, phase, figure };
}

/**
 * Reads what stands before the phase of a metric, `[BENCHMARK/][PROVIDER][[PARAMETER=VALUE,…]]`.
 * @throws UsageError `bad-cells`.
 */
export function parseCells(text: string): Cells {
  const cells = text.trim();
  try {
    if (cells === "" || cells.endsWith("/")) throw badMetric(text, "it names neither a provider nor a parameter");
    if (cells.replace(/\[.*\]$/s, "").includes(".")) throw badMetric(text, "a phase is no part of it");
    const { benchmark, provider, where } = parseMetric(`${cells}.phase.p50`);
    return { benchmark, provider, where };
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    const [, why = ""] = /cannot be understood: (.*)$/s.exec(thrown.message) ?? [];
    throw new UsageError("bad-cells", `The cells "${text}" cannot be understood: ${why}`, {
      hint: "Write [BENCHMARK/][PROVIDER][[PARAMETER=VALUE,…]], for instance kms-v2 or kms-v2[kmsLatencyMs=10].",
      cause: thrown,
    });
  }
}

/** The words between dots; the decimals of a quantile belong to it. */
function wordsOf(text: string): string[] {
  const words = text.split(".");
  const [quantile = "", decimals = ""] = words.slice(-2);
  return /^p\d\d?$/.test(quantile) && /^\d+$/.test(decimals) ? [...words.slice(0, -2), `${quantile}.${decimals}`] : words;
}

function isProvider(word: string | undefined): boolean {
  return benchProviders.some((each) => each === word);
}

/** Three words are a phase and a quantile of one of its distributions, or begin with what should be a provider. */
function hasUnknownProvider([, middle = "", ...last]: readonly string[]): boolean {
  return last.length > 1 || (last.length === 1 && !distributionNames.includes(middle));
}

const pairPattern = /^([a-z][A-Za-z0-9]*)=(?:([\w.:+-]+)|"((?:[^"\\]|\\.)*)")$/s;

function parseWhere(text: string, bad: (why: string) => UsageError): Record<string, string> {
  const where: Record<string, string> = {};
  for (const pair of text.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/gs) ?? [""]) {
    const [, name, bare, quoted] = pairPattern.exec(pair.trim()) ?? [];
    if (name === undefined) throw bad(`"${pair}" in its brackets is no PARAMETER=VALUE`);
    if (Object.hasOwn(where, name)) throw bad(`it gives ${name} twice`);
    where[name] = bare ?? (quoted ?? "").replaceAll(/\\(.)/gs, "$1");
  }
  return where;
}

/** As {@link parseMetric} reads it. */
export function formatMetric({ benchmark, provider, where, phase, figure }: Metric): string {
  const pairs = Object.entries(where).map(([name, value]) => `${name}=${quoted(value)}`);
  const cells = `${provider ?? ""}${pairs.length === 0 ? "" : `[${pairs.join(",")}]`}`;
  return `${benchmark === undefined ? "" : `${benchmark}/`}${cells === "" ? "" : `${cells}.`}${phase}.${figure}`;
}

function quoted(value: string): string {
  return /^[\w.:+-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Holds a metric against the names that there are. Throws UsageError `unknown-metric` where it names what cannot be in such a run. */
export function requireMetric(metric: Metric, benchmarks: readonly BenchmarkNames[]): void {
  const text = formatMetric(metric);
  const bad = (why: string) =>
    new UsageError("unknown-metric", `There can be no "${text}" in this run: ${why}.`, { hint: "docs/compare.md lists the names." });
  const { benchmark, provider, where, phase, figure } = metric;
  const chosen = benchmark === undefined ? benchmarks : benchmarks.filter(({ id }) => id === benchmark);
  if (benchmark !== undefined && chosen.length === 0) {
    throw bad(
      unknown(
        "benchmark",
        benchmark,
        benchmarks.map(({ id }) => id),
      ),
    );
  }
  const all = (namesOf: (names: BenchmarkNames) => readonly string[]) => [...new Set(chosen.flatMap(namesOf))];
  const providers = all((names) => names.providers);
  if (provider !== undefined && !providers.includes(provider)) {
    throw bad(`the provider ${provider} is not measured, but ${enumerate(providers)}`);
  }
  if (isKmsFigure(figure) && !(provider === undefined ? providers : [provider]).some((each) => each.startsWith("kms-"))) {
    throw bad(provider === undefined ? "no provider in it calls a KMS" : `${provider} calls no KMS`);
  }
  const phases = all((names) => names.phases);
  if (!phases.includes(phase)) throw bad(unknown("phase", phase, phases));
  const figures = all((names) => names.figures);
  if (!isOwnFigure(figure) && !figures.includes(figure)) throw bad(unknown("figure", figure, [...figureNames, ...figures]));
  for (const name of Object.keys(where)) requireParameter(name, metric, benchmarks, bad);
}

/** The same of a parameter that a metric or a threshold names. */
export function requireParameter(
  name: string,
  { benchmark }: Pick<Metric, "benchmark">,
  benchmarks: readonly BenchmarkNames[],
  bad: (why: string) => UsageError,
): void {
  const chosen = benchmarks.filter(({ id }) => benchmark === undefined || id === benchmark);
  const known = ["secrets", ...new Set(chosen.flatMap(({ parameters }) => parameters))];
  if (!known.includes(name)) throw bad(unknown("parameter", name, known));
}

/** `no phase is called "wirte", the nearest is "write"`, or which there are where none is near. */
function unknown(kind: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `no ${kind} is called "${name}"${meant === undefined ? `; there are ${enumerate(known)}` : `, the nearest is "${meant}"`}`;
}

function enumerate(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

/** The names that the cells of a run have. */
export function namesOf(cells: readonly MeasuredCell[]): BenchmarkNames[] {
  return [...Map.groupBy(cells, ({ benchmark }) => benchmark)].map(([id, ofBenchmark]) => {
    const phases = ofBenchmark.flatMap((cell) => cell.phases);
    return {
      id,
      providers: [...new Set(ofBenchmark.map(({ provider }) => provider))],
      phases: [...new Set(phases.map(({ name }) => name))],
      figures: [...new Set(phases.flatMap(({ figures }) => Object.keys(figures)))],
      parameters: [...new Set(ofBenchmark.flatMap(({ parameters }) => Object.keys(parameters)))],
    };
  });
}

/** Whether a selection, or a metric's, means this cell. */
export function isMeant({ benchmark, provider, where }: Cells, cell: MeasuredCell): boolean {
  return (
    (benchmark === undefined || benchmark === cell.benchmark) &&
    (provider === undefined || provider === cell.provider) &&
    Object.entries(where).every(([name, value]) => isSame(value, name === "secrets" ? cell.secrets : cell.parameters[name]))
  );
}

/** `0.50` means the number 0.5, whose text is another. */
function isSame(written: string, value: string | number | undefined): boolean {
  return typeof value === "number" ? written.trim() !== "" && Number(written) === value : written === value;
}

function badMetric(text: string, why: string): UsageError {
  return new UsageError("bad-metric", `The metric "${text}" cannot be understood: ${why}.`, { hint });
}
