import { UsageError } from "../errors.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { cellName } from "./fold.ts";
import { cellKey } from "./rounds.ts";
import type { Cell, Floor, Header, Latency, Parameters, Phase, Result } from "./schema.ts";

/** What of a run is known that a result keeps once. */
type Facts = Readonly<Record<"machine" | "target" | "kubernetes" | "etcd" | "plugin" | "kmsmark", string>>;

/** Commands whose runs can stand side by side: a plan is no observation, and a procedure has one course. */
const mergeable = ["bench", "conform"];

/**
 * Puts runs of one command together, without adding anything up that is unlike: in what the runs differ (machine, versions, plugin) becomes a
 * parameter of their cells, and runs that are alike in all of it are further rounds. Of checks each run has others. Every cell and check names its run.
 * @throws UsageError `not-mergeable` where the figures would mislead, as those of a model do beside those of an API server.
 */
export function mergeRuns(runs: readonly Result[]): Result {
  const [first, ...others] = runs;
  if (first === undefined || others.length === 0) throw notMergeable("it takes two runs or more");
  requireAlike(runs);
  const facts = runs.map(factsOf);
  const cells = mergedCells(
    runs,
    facts.map((each) => distinguishing(each, facts)),
  );
  requireEqualLoads(cells);
  const headers = runs.map(({ header }) => header);
  const unwell = runs.filter(({ status }) => status !== "complete");
  return {
    ...first,
    header: { ...mergedHeader(first.header, headers), notes: notesOf(runs, cells, facts) },
    status: (["failed", "cut off", "interrupted"] as const).find((status) => runs.some((run) => run.status === status)) ?? "complete",
    fault: unwell.length === 0 ? null : unwell.map(({ header, status, fault }) => `Run ${header.runId}: ${fault ?? status}`).join(" "),
    durationMs: sumOf(runs.map(({ durationMs }) => durationMs)),
    cells,
    checks: runs.flatMap(({ header: { runId }, checks }) => checks.map((check) => ({ ...check, run: runId }))),
    floor: mergedFloor(runs.flatMap(({ floor }) => floor ?? [])),
    findings: runs.flatMap(({ header, findings }) => findings.map((each) => ({ ...each, text: ofRun(each.text, header) }))),
    thresholds: runs.flatMap(({ header, thresholds }) => thresholds.map((each) => ({ ...each, measured: ofRun(each.measured, header) }))),
    runs: runs.map(({ header, status, fault, durationMs }) => ({ header, status, fault, durationMs })),
  };
}

/** Between the ids of the runs that a result was merged of. */
const idSeparator = "+";

/** How many runs the id of a result stands for. */
export function runCount(runId: string): number {
  return runId.split(idSeparator).length;
}

function requireAlike(runs: readonly Result[]): void {
  for (const { header, runs: merged } of runs) {
    if (!mergeable.includes(header.command)) throw notMergeable(`a run of kmsmark ${header.command} stands for itself`);
    if (merged.length > 0) throw notMergeable(`${header.runId} is merged already`, "Name the runs that it was merged of.");
  }
  const distinct = (of: (header: Header) => string) => [...new Set(runs.map(({ header }) => of(header)))];
  const twice = runs.find(({ header }, at) => runs.findIndex((other) => other.header.runId === header.runId) < at);
  if (twice !== undefined) throw notMergeable(`the run ${twice.header.runId} is named twice`);
  const commands = distinct(({ command }) => command);
  if (commands.length > 1) throw notMergeable(`they are of different commands, ${commands.join(" and ")}`);
  const subjects = distinct(({ target }) =>
    target === null ? "a plugin alone" : target.isModel ? "a model of kube-apiserver" : "kube-apiserver itself",
  );
  if (subjects.length > 1) throw notMergeable(`they are of ${subjects.join(" and of ")}, which are not to be mixed up`);
  const ids = runs.flatMap(({ checks }) => checks.map(({ id }) => id));
  const again = ids.find((id, at) => ids.indexOf(id) < at);
  if (again !== undefined) throw notMergeable(`two of them have the check ${again}`);
}

/** Rounds of one cell are read as one distribution, which those of another load are no part of. */
function requireEqualLoads(cells: readonly Cell[]): void {
  const loads = new Map<string, string>();
  for (const cell of cells) {
    for (const { name, load } of cell.phases) {
      const key = `${cellKey(cell)} ${name}`;
      const text = JSON.stringify(load);
      if ((loads.get(key) ?? text) !== text)
        throw notMergeable(`${name} of ${cellName({ ...cell, round: 1 })} was loaded in different ways`);
      loads.set(key, text);
    }
  }
}

function notMergeable(why: string, hint = "Compare two runs instead: kmsmark report RUN OTHER."): UsageError {
  return new UsageError("not-mergeable", `These runs cannot be merged: ${why}.`, { hint });
}

function factsOf({ header: { machine, target, plugin, kmsmark } }: Result): Facts {
  const { cpu, cpus, memoryBytes, system, node } = machine;
  const none = "none";
  return {
    machine: JSON.stringify([cpu, cpus, Math.round(memoryBytes / 1024 ** 3), system, node]),
    target: target?.kind ?? none,
    kubernetes: target?.kubernetes ?? none,
    etcd: target?.etcd ?? none,
    plugin: plugin ?? none,
    kmsmark,
  };
}

/** What tells a run from the others, as parameters of its cells. */
function distinguishing(own: Facts, all: readonly Facts[]): Parameters {
  const names = ["machine", "target", "kubernetes", "etcd", "plugin", "kmsmark"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const values = [...new Set(all.map((facts) => facts[name]))];
      // A machine has no short name.
      return values.length === 1 ? [] : [[name, name === "machine" ? values.indexOf(own[name]) + 1 : own[name]]];
    }),
  );
}

/** The cells of all runs, run after run as if each had begun when the one before it ended, with rounds that go on. */
function mergedCells(runs: readonly Result[], distinguished: readonly Parameters[]): Cell[] {
  const rounds = new Map<string, number>();
  let sinceMs = 0;
  return runs.flatMap(({ header: { runId }, cells, durationMs }, at) => {
    const offsetMs = sinceMs;
    sinceMs += durationMs;
    const before = new Map(rounds);
    return cells.map((cell): Cell => {
      const parameters = { ...cell.parameters, ...distinguished[at] };
      const key = cellKey({ ...cell, parameters });
      const round = (before.get(key) ?? 0) + cell.round;
      rounds.set(key, Math.max(rounds.get(key) ?? 0, round));
      const phases = cell.phases.map((phase): Phase => ({ ...phase, startMs: phase.startMs + offsetMs }));
      return { ...cell, parameters, round, startMs: cell.startMs + offsetMs, phases, run: runId };
    });
  });
}

/** Says for each run where its figures stand, and what it said itself. */
function notesOf(runs: readonly Result[], cells: readonly Cell[], facts: readonly Facts[]): string[] {
  return runs.flatMap(({ header: { runId, notes } }, at) => {
    const own = facts[at];
    const parameters = own === undefined ? [] : Object.entries(distinguishing(own, facts)).map(([name, value]) => `${name} ${value}`);
    const rounds = cells.flatMap(({ run, round }) => (run === runId ? [round] : []));
    const [least, most] = [Math.min(...rounds), Math.max(...rounds)];
    const places = [...parameters, ...(rounds.length === 0 ? [] : [least === most ? `round ${least}` : `rounds ${least} to ${most}`])];
    return [
      ...(places.length === 0 ? [] : [`Of the run ${runId}: ${places.join(", ")}.`]),
      ...notes.map((note) => `Run ${runId}: ${note}`),
    ];
  });
}

/** Where the runs differ, all that they say. */
function mergedHeader(first: Header, headers: readonly Header[]): Omit<Header, "notes"> {
  const all = (of: (header: Header) => string) => [...new Set(headers.map(of))].join(" / ");
  const most = (of: (header: Header) => number) => Math.max(...headers.map(of));
  const etcd = all(({ target }) => target?.etcd ?? "none");
  return {
    runId: headers.map(({ runId }) => runId).join(idSeparator),
    command: first.command,
    arguments: [],
    startedAt: headers.map(({ startedAt }) => startedAt).reduce((a, b) => (Date.parse(b) < Date.parse(a) ? b : a)),
    seed: all(({ seed }) => seed),
    strict: headers.some(({ strict }) => strict),
    kmsmark: all(({ kmsmark }) => kmsmark),
    machine: {
      cpu: all(({ machine }) => machine.cpu),
      cpus: most(({ machine }) => machine.cpus),
      memoryBytes: most(({ machine }) => machine.memoryBytes),
      system: all(({ machine }) => machine.system),
      node: all(({ machine }) => machine.node),
    },
    target:
      first.target === null
        ? null
        : {
            ...first.target,
            kubernetes: all(({ target }) => target?.kubernetes ?? "none"),
            etcd: etcd === "none" ? null : etcd,
            refused: [],
          },
    plugin: headers.every(({ plugin }) => plugin === null) ? null : all(({ plugin }) => plugin ?? "none"),
    clock: { resolutionNs: most(({ clock }) => clock.resolutionNs) },
  };
}

/** What the clients of all machines can measure at best, together. */
function mergedFloor(floors: readonly Floor[]): Floor | null {
  const [first] = floors;
  if (first === undefined) return null;
  const kinds = new Set(floors.flatMap(({ roundTrips }) => Object.keys(roundTrips)));
  const trips = [...kinds].map((kind): [string, Latency] => [kind, added(floors.flatMap(({ roundTrips }) => roundTrips[kind] ?? []))]);
  const delays = floors.flatMap(({ sendDelay }) => sendDelay ?? []);
  return {
    roundTrips: Object.fromEntries(trips),
    eventLoopDelay: added(floors.map(({ eventLoopDelay }) => eventLoopDelay)),
    clockResolutionNs: Math.max(...floors.map(({ clockResolutionNs }) => clockResolutionNs)),
    sendDelay: delays.length === 0 ? null : added(delays),
  };
}

function added(latencies: readonly Latency[]): Latency {
  const all = LatencyHistogram.empty();
  for (const latency of latencies) all.merge(LatencyHistogram.fromLatency(latency));
  const merged = all.toLatency();
  if (merged === null) throw new TypeError("A latency has one value at least.");
  return merged;
}

function ofRun(text: string, { runId }: Header): string {
  return `${text.replace(/\.$/, "")} (run ${runId})${text.endsWith(".") ? "." : ""}`;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
