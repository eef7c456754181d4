import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../harness/clock.ts";
import { machineFacts } from "../harness/run/machine.ts";
import { compareWithGhz, ghzLack, ghzVersion, type PluginLoadRound } from "./peers/ghz.ts";
import { comparePlugins, goServiceLack, type PluginRound } from "./peers/go-service.ts";
import { type ApiLoadRound, apiLoadFloor, compareWithK6, k6Lack, k6Version } from "./peers/k6.ts";
import { median, ratioTable } from "./peers/ratio-table.ts";
import { root } from "./steps.ts";

/**
 * kmsmark's clients beside ghz and k6, and its plugin beside one in Go, in interleaved rounds on this machine: prints tables, and with --write puts them into docs/performance.md in the place of
 * those that are there. A peer that cannot be had is left out, with the reason. Some minutes; the first time some more, in which the peers are built.
 * Usage: npm run compare:peers -- [--only ghz|plugin|k6] [--rounds 7] [--seconds 4] [--creates 10000] [--in-flight 32] [--write]
 */
const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "4" },
    creates: { type: "string", default: "10000" },
    "in-flight": { type: "string", default: "32" },
    write: { type: "boolean", default: false },
  },
});
const rounds = wholeNumber("rounds", values.rounds);
const seconds = wholeNumber("seconds", values.seconds);
const creates = wholeNumber("creates", values.creates);
const inFlight = wholeNumber("in-flight", values["in-flight"]);
const performancePage = join(root, "docs/performance.md");

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
const { signal } = interrupted;
const environment = process.env;

/** Its lack, and its section. */
const peers = {
  ghz: { lack: ghzLack, section: besideGhz },
  plugin: { lack: goServiceLack, section: besideGo },
  k6: { lack: () => k6Lack(environment), section: besideK6 },
};

for (const [peer, { lack, section }] of Object.entries(peers)) {
  if (values.only !== undefined && values.only !== peer) continue;
  const reason = await lack();
  if (reason !== undefined) {
    process.stdout.write(`${peer} is left out: ${reason}\n`);
    continue;
  }
  const folder = await mkdtemp(join(tmpdir(), "kmsmark-peers-"));
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  const { cpu, cpus, system, node } = machineFacts();
  const day = new Date(systemClock.wallMs()).toISOString().slice(0, 10);
  const text = `${day}, ${cpus} × ${cpu}, ${system}, Node.js ${node}. ${await section(folder)}`;
  process.stdout.write(`\n${text}\n`);
  if (values.write) await writeSection(peer, text);
}

async function besideGhz(folder: string): Promise<string> {
  const counts = [...new Set([1, inFlight])];
  const onRound = ({ round, tool, inFlight: many, callsPerSecond, cpuUsPerCall, failed }: PluginLoadRound) =>
    tell(`${round}: ${tool}, ${many} in flight: ${callsPerSecond.toFixed(0)}/s, ${cpuUsPerCall.toFixed(2)} µs, ${failed} failed`);
  const measured = await compareWithGhz({ inFlight: counts, rounds, seconds, folder, environment, signal, onRound });
  const tables = counts.map((many) => {
    const figure = (name: string, digits: number, of: (round: PluginLoadRound) => number) =>
      bothTools(name, digits, of, measured, (round) => round.inFlight === many);
    return `With ${many} in flight:\n\n${ratioTable("ghz", [
      figure("calls/s", 0, ({ callsPerSecond }) => callsPerSecond),
      figure("client CPU a call, µs", 2, ({ cpuUsPerCall }) => cpuUsPerCall),
      figure("p50, ms", 3, ({ p50Ms }) => p50Ms),
      figure("p99, ms", 3, ({ p99Ms }) => p99Ms),
    ])}`;
  });
  return `ghz ${ghzVersion}, ${rounds} rounds of ${seconds} s each. ${failedOf(measured)}\n\n${tables.join("\n\n")}`;
}

async function besideGo(folder: string): Promise<string> {
  // Each of the eight pairs has as many rounds; a second is long enough where nothing has to be started.
  const secondsEach = 1;
  const onRound = ({ round, tool, method, inFlight: many, callsPerSecond, p99Ms }: PluginRound) =>
    tell(`${round}: ${tool}, ${method}, ${many} in flight: ${callsPerSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(3)} ms`);
  const measured = await comparePlugins({ rounds, seconds: secondsEach, folder, signal, onRound });
  const pairs = Map.groupBy(measured, ({ method, inFlight: many }) => `${method}, ${many} in flight`);
  const figures = [...pairs].flatMap(([name, ofPair]) => [
    bothTools(`${name}: calls/s`, 0, ({ callsPerSecond }) => callsPerSecond, ofPair),
    bothTools("p99, ms", 3, ({ p99Ms }) => p99Ms, ofPair),
    bothTools("plugin CPU a call, µs", 1, ({ pluginCpuUs }) => pluginCpuUs, ofPair),
  ]);
  return `${rounds} rounds of ${secondsEach} s each. ${failedOf(measured)}\n\n${ratioTable("Go", figures)}`;
}

async function besideK6(folder: string): Promise<string> {
  const onRound = ({ round, tool, createsPerSecond, cpuMs, failed }: ApiLoadRound) =>
    tell(`${round}: ${tool}: ${createsPerSecond.toFixed(0)} creates/s, ${cpuMs.toFixed(0)} ms of CPU in all, ${failed} failed`);
  const options = { inFlight, rounds, creates, folder, environment, signal, onRound };
  const measured = await compareWithK6(options);
  const floor = await apiLoadFloor(options);
  // What a process takes for its start is the same in every round, but for noise that one difference of two figures would have twice.
  const startMs = (tool: string) => median(measured.filter((round) => round.tool === tool).map(({ startCpuMs }) => startCpuMs));
  const starts = { kmsmark: startMs("kmsmark"), k6: startMs("k6") };
  const figure = (name: string, digits: number, of: (round: ApiLoadRound) => number) => bothTools(name, digits, of, measured);
  const table = ratioTable("k6", [
    figure("creates/s", 0, ({ createsPerSecond }) => createsPerSecond),
    figure("client CPU a create, µs", 1, (round) => ((round.cpuMs - starts[round.tool]) * 1000) / (round.creates - 1)),
    figure("p50, ms", 2, ({ p50Ms }) => p50Ms),
    figure("p99, ms", 2, ({ p99Ms }) => p99Ms),
  ]);
  const atBest = `${floor.createsPerSecond.toFixed(0)} creates/s at ${floor.loadCpuUsPerCreate.toFixed(1)} µs each while the load runs`;
  return `k6 ${k6Version}, ${rounds} rounds of ${creates} creates each, ${inFlight} in flight. ${failedOf(measured)}\n\n${table}\n\nkmsmark's client on a server that does nothing: ${atBest}.`;
}

function failedOf(measured: readonly { readonly tool: string; readonly failed: number }[]): string {
  const failed = measured.filter((round) => round.failed > 0).map(({ tool, failed: many }) => `${many} of ${tool}`);
  return failed.length === 0 ? "Nothing failed." : `Failed: ${failed.join(", ")}.`;
}

function bothTools<Round extends { readonly tool: string }>(
  name: string,
  digits: number,
  of: (round: Round) => number,
  measured: readonly Round[],
  counts: (round: Round) => boolean = () => true,
) {
  const counted = measured.filter(counts);
  const own = counted.filter(({ tool }) => tool === "kmsmark").map(of);
  return { name, digits, own, theirs: counted.filter(({ tool }) => tool !== "kmsmark").map(of) };
}

/** Puts a section between its marks. */
async function writeSection(peer: string, text: string): Promise<void> {
  const page = await readFile(performancePage, "utf8");
  const [begin, end] = [`<!-- begin: compare:peers ${peer} -->`, `<!-- end: compare:peers ${peer} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no marks for ${peer}.`);
  await writeFile(performancePage, `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} is ${text}, and must be a whole number from 1.`);
  return value;
}
