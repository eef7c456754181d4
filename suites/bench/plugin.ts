import { UsageError } from "../../harness/errors.ts";
import { detectKmsVersions } from "../../harness/kms/client.ts";
import { type KmsVersion, kmsVersions } from "../../harness/kms/contract.ts";
import { findMax, trialOf } from "../../harness/load/find-max.ts";
import { type KmsLoadMethod, kmsCalls, kmsLoadMethods } from "../../harness/load/kms-calls.ts";
import type { LoadCall } from "../../harness/load/kms-load-client.ts";
import { closedLoop, constantRate, poissonRate } from "../../harness/load/schedule.ts";
import { startPluginProcess } from "../../harness/plugin-process.ts";
import { Random } from "../../harness/random.ts";
import type { Cell, Parameters } from "../../harness/run/schema.ts";
import type { Benchmark, PluginBench } from "./benchmark.ts";
import { type CellOrigin, withinCell } from "./cell.ts";
import { figure, inMs, measuredOf } from "./comparison.ts";
import { dropAfterLimits, figuresOf, findMaxFigures, findMaxOption, inWords, trialCount } from "./max-rate.ts";
import { numbersOption } from "./number-words.ts";
import { ownOption } from "./own-option.ts";
import { callsPerSecond, loadPlugin, providerOf, tryPlugin } from "./plugin-load.ts";

/** More different calls would measure no more: a plugin caches nothing. */
const differentCalls = 256;
/** Of the most calls a second that the closed loops reached: what `--rates auto` tries. */
const autoShares = [0.1, 0.25, 0.5, 0.75, 0.9];
const secondsMax = 3600;
/** Between these a search for the highest rate takes place, calls a second. */
const [searchFromPerSecond, searchToPerSecond] = [500, 500_000] as const;

const concurrency = numbersOption({
  name: "concurrency",
  describe: "How many calls are in flight in a closed loop; several numbers are measured one after the other",
  default: "1,8,32,128",
  max: 4096,
});

const rates = ownOption<"auto" | readonly number[]>({
  name: "rates",
  describe: "Calls a second that fall due whatever became of the others; none, or auto for parts of what the closed loops reached",
  default: "auto",
  parse(word) {
    if (word === "auto") return word;
    if (word === "none") return [];
    const numbers = word.split(",").map((each) => (each.trim() === "" ? Number.NaN : Number(each)));
    if (numbers.every((rate) => rate > 0 && rate <= 1e6)) return numbers;
    throw new UsageError("bad-bench-options", `--rates takes auto, none, or numbers above 0 with commas between, not "${word}".`);
  },
});

const methods = ownOption<readonly KmsLoadMethod[]>({
  name: "calls",
  describe: `Of ${kmsLoadMethods.join(", ")}, which is Version with KMS v1`,
  default: kmsLoadMethods.join(","),
  parse(word) {
    const words = word.split(",").map((each) => each.trim());
    const known = kmsLoadMethods.filter((method) => words.includes(method));
    if (known.length === words.length) return known;
    throw new UsageError("bad-bench-options", `--calls takes ${kmsLoadMethods.join(", ")} with commas between, not "${word}".`);
  },
});

const versions = ownOption<"auto" | readonly KmsVersion[]>({
  name: "kms",
  describe: "v1, v2 or both with a comma between; auto for what the plugin offers",
  default: "auto",
  parse(word) {
    if (word === "auto") return word;
    const words = word.split(",").map((each) => each.trim());
    const known = kmsVersions.filter((version) => words.includes(version));
    if (known.length === words.length) return known;
    throw new UsageError("bad-bench-options", `--kms takes auto, v1 or v2, not "${word}".`);
  },
});

const seconds = ownOption({
  name: "seconds",
  describe: "How long each load goes on",
  default: "1",
  parse(word) {
    const number = Number(word);
    if (word.trim() !== "" && number > 0 && number <= secondsMax) return number;
    throw new UsageError("bad-bench-options", `--seconds takes a number above 0, at most ${secondsMax}, not "${word}".`);
  },
});

const total = ownOption<number | undefined>({
  name: "total",
  describe: "How many calls each closed loop makes, instead of --seconds",
  default: "any",
  parse(word) {
    if (word === "any") return undefined;
    const number = Number(word);
    if (Number.isSafeInteger(number) && number >= 1 && number <= 2 ** 31 - 1) return number;
    throw new UsageError("bad-bench-options", `--total takes a whole number from 1 to ${2 ** 31 - 1}, or any, not "${word}".`);
  },
});

const connections = numbersOption({
  name: "connections",
  describe: "Over how many connections the calls are spread; kube-apiserver has one",
  default: "1",
  max: 64,
});

export const plugin = {
  id: "plugin",
  question: "How many calls a second does a plugin answer, how late, and how does that grow with the calls in flight and with the rate?",
  knownBefore:
    "ghz drives a Unix socket in a closed loop and starts its clock when a call is sent, k6 cannot dial one, and no plugin publishes quantiles.",
  takes: "30 s for each version of KMS that the plugin offers; --seconds decides",
  needs: "a plugin on a socket, or nothing: the bundled one is started",
  measures: "plugin",
  metrics: {
    phases: [...kmsLoadMethods, "max"],
    figures: findMaxFigures,
    parameters: ["inFlight", "ratePerSecond", "connections", "search"],
  },
  understands: ["rounds"],
  own: [concurrency, rates, methods, versions, seconds, total, connections, findMaxOption],
  async run(bench: PluginBench) {
    const { options, lease, clock, signal, progress } = bench;
    await using held = new AsyncDisposableStack();
    const started =
      options.pluginSocket === undefined ? startPluginProcess({ lease, clock, signal, provider: options.bundledProvider }) : undefined;
    const socket = options.pluginSocket ?? (started === undefined ? "" : held.use(await started).socket);
    const wanted = versions.of(options);
    const offered = wanted === "auto" ? await detectKmsVersions(socket) : wanted;
    const sweep = rates.of(options);
    const loads = concurrency.of(options).length + (sweep === "auto" ? autoShares.length : sweep.length);
    const cells = options.rounds * offered.length * connections.of(options).length * loads;
    const phases = cells * methods.of(options).length;
    progress.expect({ weight: phases, cells, phases });
    for (const kms of offered) await measureVersion(bench, socket, kms);
  },
} satisfies Benchmark;

async function measureVersion(bench: PluginBench, socket: string, kms: KmsVersion): Promise<void> {
  const { options, clock, journal } = bench;
  const random = new Random(options.seed).child(`plugin ${kms}`);
  const calls = new Map<KmsLoadMethod, LoadCall[]>();
  for (const method of methods.of(options)) {
    calls.set(method, await kmsCalls({ endpoint: socket, kms, method, count: differentCalls, random: random.child(method), clock }));
  }
  const before = journal.result().cells.length;
  const measured = () => journal.result().cells.slice(before);
  let openRates = rates.of(options);
  for (let round = 1; round <= options.rounds; round++) {
    for (const connection of connections.of(options)) {
      const also: Parameters = connections.of(options).length > 1 ? { connections: connection } : {};
      const measure = (parameters: Parameters) =>
        measureCell(bench, socket, calls, connection, {
          benchmark: "plugin",
          provider: providerOf(kms),
          secrets: differentCalls,
          parameters: { ...parameters, ...also },
          round,
        });
      for (const inFlight of concurrency.of(options)) await measure({ inFlight });
      if (openRates === "auto") openRates = partsOf(fastest(measured()));
      for (const ratePerSecond of openRates) await measure({ ratePerSecond });
    }
  }
  journal.append({ event: "finding", finding: { benchmark: "plugin", text: answerOf(measured(), kms) } });
  for (const [method, these] of calls) await searchMax(bench, socket, { method, calls: these, kms });
}

/** Searches the highest rate of a method that the threshold bears, if one is asked for, in a cell of its own. */
async function searchMax(
  bench: PluginBench,
  socket: string,
  { method, calls, kms }: { readonly method: KmsLoadMethod; readonly calls: readonly LoadCall[]; readonly kms: KmsVersion },
): Promise<void> {
  const { options, clock, journal, progress } = bench;
  const threshold = findMaxOption.of(options);
  if (threshold === undefined) return;
  const provider = providerOf(kms);
  const origin = { benchmark: "plugin", provider, secrets: differentCalls, parameters: { search: method }, round: 1 };
  await withinCell(bench, origin, async () => {
    journal.append({ event: "phase-started", name: "max", due: 0 });
    progress.startPhase({ ...origin, phase: "max", due: 0, weight: 1 });
    const [startMs, startedMs] = [journal.nowMs(), clock.monotonicMs()];
    const found = await findMax({
      startPerSecond: searchFromPerSecond,
      mostPerSecond: searchToPerSecond,
      async trial(ratePerSecond) {
        progress.update({ done: 0, kmsCalls: undefined, awaited: `${Math.round(ratePerSecond)} ${method} calls a second are tried` });
        const schedule = constantRate({ ratePerSecond, count: trialCount(ratePerSecond) });
        const tried = await tryPlugin(bench, socket, { schedule, calls, dropAfterMs: threshold.limitMs * dropAfterLimits });
        return trialOf(threshold, ratePerSecond, tried.result, tried.cost);
      },
    });
    progress.endPhase();
    journal.append({
      event: "phase",
      phase: {
        ...{ name: "max", startMs, durationMs: clock.monotonicMs() - startedMs, load: null },
        ...{ requests: { due: 0, ok: 0, failed: 0, dropped: 0 }, failures: [], latency: null, serviceTime: null },
        ...{ kms: null, server: {}, agreements: [], figures: figuresOf(found) },
      },
    });
    const text = `${provider} ${inWords(found, `${method} calls`)} with ${threshold.text}.`;
    journal.append({ event: "finding", finding: { benchmark: "plugin", text } });
  });
}

async function measureCell(
  bench: PluginBench,
  socket: string,
  calls: ReadonlyMap<KmsLoadMethod, readonly LoadCall[]>,
  connections: number,
  origin: CellOrigin,
): Promise<void> {
  const { options } = bench;
  const { inFlight, ratePerSecond } = origin.parameters;
  const durationMs = 1000 * seconds.of(options);
  await withinCell(bench, origin, async () => {
    for (const [method, these] of calls) {
      const random = new Random(options.seed).child(`due ${method} ${ratePerSecond} ${origin.round}`);
      const schedule =
        typeof inFlight === "number"
          ? closedLoop({
              inFlight,
              ...(total.of(options) === undefined ? { count: 2 ** 31 - 1, durationMs } : { count: total.of(options) ?? 0 }),
            })
          : poissonRate({
              ratePerSecond: Number(ratePerSecond),
              count: Math.max(1, Math.round((Number(ratePerSecond) * durationMs) / 1000)),
              random,
            });
      await loadPlugin(bench, socket, origin, { method, schedule, calls: these, connections, weight: 1 });
    }
  });
}

/** The most calls of the slowest method that a closed loop reached in a second. */
function fastest(cells: readonly Cell[]): number {
  const byMethod = Map.groupBy(
    cells.flatMap(({ phases }) => phases),
    ({ name }) => name,
  );
  const best = [...byMethod.values()].map((phases) => Math.max(...phases.map(callsPerSecond)));
  return Math.min(...best);
}

/** Rounded to two digits, so that they read well. */
function partsOf(callsPerSecond: number): number[] {
  return callsPerSecond >= 1 ? autoShares.map((share) => Math.max(1, Number((callsPerSecond * share).toPrecision(2)))) : [];
}

function answerOf(cells: readonly Cell[], kms: KmsVersion): string {
  const [first] = cells[0]?.phases.map(({ name }) => name) ?? [];
  const named = (first ?? "call").replace(/^./, (letter) => letter.toUpperCase());
  const at = (wanted: keyof Parameters) =>
    Map.groupBy(
      cells.filter(({ parameters }) => parameters[wanted] !== undefined),
      ({ parameters }) => parameters[wanted],
    );
  const words = (group: readonly Cell[]) => {
    const [measured] = measuredOf(group, first ?? "", [providerOf(kms)]);
    const reached = measured?.phases.map(callsPerSecond) ?? [];
    const mean = reached.reduce((sum, rate) => sum + rate, 0) / Math.max(1, reached.length);
    return { rate: `${Math.round(mean).toLocaleString("en-US")}/s`, latency: `p50 ${inMs(measured?.p50)}, p99 ${inMs(measured?.p99)}` };
  };
  const closed = [...at("inFlight")].map(([inFlight, group]) => {
    const { rate, latency } = words(group);
    return `${rate} with ${inFlight} in flight (${latency})`;
  });
  const open = [...at("ratePerSecond")].map(([ratePerSecond, group]) => `${figure(Number(ratePerSecond))}/s: ${words(group).latency}`);
  const inOpenLoop = open.length === 0 ? "" : ` In an open loop, from when a call was due, ${open.join("; ")}.`;
  return `KMS ${kms}: ${named} reaches ${closed.join(", ")}.${inOpenLoop}`;
}
