import type { arrivals, Cell, Floor, Header, Load, PhaseName, Result } from "../harness/run/schema.ts";
import { formatBytes, formatMs, formatNs, formatRate } from "./units.ts";

/** What a reader must know before any figure, in sentences; where a model was measured, the first one says so. */
export function measuredOn(result: Result): string[] {
  const { header, cells, floor, runs } = result;
  const { target } = header;
  return [
    ...new Set((runs.length === 0 ? [result] : runs).flatMap((run) => subject(run.header))),
    ...(runs.length === 0 ? [] : [`Merged of ${runs.length} runs. ${mergedWords(cells)}`]),
    ...(runs.length === 0 ? [result] : runs).flatMap(runSentences),
    ...(floor === null ? [] : [floorSentence(floor)]),
    ...loads(cells),
    ...(target?.refused ?? []).map(({ kind, reason, remedy }) => `Not on ${kind}: ${reason} This would change it: ${remedy}`),
    ...header.notes,
  ];
}

/** How the cells of several runs stand beside each other. */
function mergedWords(cells: readonly Cell[]): string {
  return cells.length === 0
    ? "Each made checks of its own."
    : "In what the runs differ is a parameter of their cells; runs that are alike in machine, versions and plugin are further rounds.";
}

function runSentences({ header, status, durationMs }: Pick<Result, "header" | "status" | "durationMs">): string[] {
  const { runId, startedAt, kmsmark, seed, machine, clock } = header;
  return [
    `Run ${runId} of ${startedAt}: ${status} after ${formatMs(durationMs)}; kmsmark ${kmsmark}, seed ${seed}.`,
    `Machine: ${machine.cpus} × ${machine.cpu}, ${formatBytes(machine.memoryBytes)}, ${machine.system}, Node.js ${machine.node}; ` +
      `the clock resolves ${formatNs(clock.resolutionNs)}.`,
  ];
}

/** What {@link measuredOn} is headed with. */
export function contextTitle({ header }: Result): string {
  return `${verbOf(header)} on`;
}

function verbOf({ command }: Header): string {
  if (command === "plan") return "Predicted";
  return command === "bench" ? "Measured" : "Checked";
}

/** What stood behind the figures or the verdicts. */
function subject(header: Header): string[] {
  const { target, plugin, command } = header;
  const behind = `KMS plugin: ${plugin ?? "none"}.`;
  if (command === "plan") return ["A prediction of the model, made without a control plane: nothing below was measured."];
  if (target === null) return [`${verbOf(header)} without a control plane; ${behind}`];
  const server = `${target.isModel ? "a model of " : ""}kube-apiserver ${target.kubernetes}`;
  const etcd = target.etcd === null ? "" : ` with etcd ${target.etcd}`;
  const model = `These ${command === "bench" ? "figures" : "verdicts"} are a model's: the target ${target.kind} is no kube-apiserver.`;
  return [...(target.isModel ? [model] : []), `${verbOf(header)} on ${server}${etcd}, target ${target.kind}; ${behind}`];
}

/** What lies below every figure of the run. */
function floorSentence({ roundTrips, eventLoopDelay, sendDelay }: Floor): string {
  const trips = Object.entries(roundTrips).map(
    ([kind, { p50 }]) => `a call to a server that does nothing takes ${formatNs(p50)} (${kind})`,
  );
  return `The client itself: ${[
    ...trips,
    ...(sendDelay === null ? [] : [`it sends ${formatNs(sendDelay.p50)} late, one in a hundred ${formatNs(sendDelay.p99)}`]),
    `its event loop is late by ${formatNs(eventLoopDelay.p50)}, one in a hundred times by ${formatNs(eventLoopDelay.p99)}`,
  ].join("; ")}.`;
}

/** Which phases were loaded how; the phases are named only where they differ. */
function loads(cells: readonly Cell[]): string[] {
  const phases = new Map<string, Set<PhaseName>>();
  for (const { name, load } of cells.flatMap((cell) => cell.phases)) {
    if (load === null) continue;
    const sentence = describeLoad(load);
    phases.set(sentence, (phases.get(sentence) ?? new Set()).add(name));
  }
  return [...phases].map(([load, names]) => `Load${phases.size === 1 ? "" : ` of ${enumerate([...names])}`}: ${load}.`);
}

const arrivalWords: Readonly<Record<Exclude<(typeof arrivals)[number], "constant">, string>> = {
  poisson: "Poisson arrivals",
  ramp: "a ramp",
  step: "steps",
  spike: "a spike",
  replay: "a recording played again",
};

/** Says also from when latency counts, because the two models are not comparable. */
function describeLoad(load: Load): string {
  if (load.model === "closed") {
    const clients = load.inFlight === 1 ? "one client" : `${load.inFlight} clients`;
    return `closed loop, ${clients}; latency counts from when a request was sent`;
  }
  const how = load.arrivals === "constant" ? "" : `${arrivalWords[load.arrivals]}, on average `;
  return `open loop, ${how}${formatRate(load.ratePerSecond)}, at most ${load.inFlightMax} in flight; latency counts from when a request was due`;
}

/** `a`, `a and b`, `a, b and c`. */
function enumerate(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
