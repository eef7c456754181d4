import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../harness/random.ts";
import { machineFacts } from "../harness/run/machine.ts";
import { compareWithGhz, ghzLack, ghzVersion, type PluginLoadRound } from "./peers/ghz.ts";

/**
 * The client that loads plugins beside ghz, in interleaved rounds. Prints a table of medians, and of ratios with their 95 % intervals.
 * Usage: node scripts/compare-ghz.ts [--rounds 5] [--seconds 2] [--in-flight 1,32]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    "in-flight": { type: "string", default: "1,32" },
  },
});
const resamples = 2000;
const random = new Random("compare-ghz");

const lack = await ghzLack();
if (lack !== undefined) {
  process.stdout.write(`ghz is left out: ${lack}\n`);
} else {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  const folder = await mkdtemp(join(tmpdir(), "kmsmark-ghz-"));
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  const inFlight = values["in-flight"].split(",").map(Number);
  const rounds = await compareWithGhz({
    inFlight,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    folder,
    environment: process.env,
    signal: interrupted.signal,
    onRound: ({ round, tool, inFlight: many, callsPerSecond, cpuUsPerCall, failed }) =>
      process.stderr.write(
        `${round}: ${tool}, ${many} in flight: ${callsPerSecond.toFixed(0)}/s, ${cpuUsPerCall.toFixed(2)} µs, ${failed} failed\n`,
      ),
  });
  const { cpu, cpus, system, node } = machineFacts();
  process.stdout.write(
    `${cpus} × ${cpu}, ${system}, Node.js ${node}, ghz ${ghzVersion}; ${values.rounds} rounds of ${values.seconds} s each\n\n`,
  );
  process.stdout.write("| in flight | | kmsmark | ghz | ratio (95 % interval) |\n|---|---|---|---|---|\n");
  for (const many of inFlight) for (const line of rows(rounds.filter(({ inFlight: of }) => of === many))) process.stdout.write(`${line}\n`);
}

function rows(rounds: readonly PluginLoadRound[]): string[] {
  const many = rounds[0]?.inFlight ?? 0;
  const row = (name: string, of: (round: PluginLoadRound) => number, digits: number) => {
    const own = rounds.filter(({ tool }) => tool === "kmsmark").map(of);
    const theirs = rounds.filter(({ tool }) => tool === "ghz").map(of);
    const ratios = own.map((value, round) => value / (theirs[round] ?? Number.NaN));
    const [low, high] = interval(ratios);
    const ratio = `${median(ratios).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
    return `| ${many} | ${name} | ${median(own).toFixed(digits)} | ${median(theirs).toFixed(digits)} | ${ratio} |`;
  };
  return [
    row("calls/s", ({ callsPerSecond }) => callsPerSecond, 0),
    row("client CPU µs a call", ({ cpuUsPerCall }) => cpuUsPerCall, 2),
    row("p50 ms", ({ p50Ms }) => p50Ms, 3),
    row("p99 ms", ({ p99Ms }) => p99Ms, 3),
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
}

/** Of the median over rounds, by the bootstrap of percentiles. */
function interval(values: readonly number[]): [number, number] {
  const medians = Array.from({ length: resamples }, () => median(values.map(() => values[random.below(values.length)] ?? 0)));
  const sorted = medians.toSorted((a, b) => a - b);
  return [sorted[Math.floor(0.025 * resamples)] ?? 0, sorted[Math.ceil(0.975 * resamples) - 1] ?? 0];
}
