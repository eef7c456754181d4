import { RunFolderError } from "../errors.ts";
import {
  type Cell,
  type CheckResult,
  type Finding,
  type Floor,
  type Header,
  type JournalEntry,
  type KmsEvent,
  type PhaseName,
  type Result,
  resultVersion,
  type StepResult,
  type Threshold,
} from "./schema.ts";

/** The entries of a journal, the header first. */
export type Journaled = readonly [Extract<JournalEntry, { event: "header" }>, ...JournalEntry[]];

/**
 * The result that a journal amounts to. A journal without an end, as after kill -9, gives the status `cut off`, and the phase that was
 * under way is named. Fails with a RunFolderError where the entries stand in an order that no run can have.
 */
export function foldJournal([first, ...rest]: Journaled): Result {
  const header = { ...first.header, notes: [...first.header.notes] };
  const cells: Cell[] = [];
  const checks: CheckResult[] = [];
  /** Ids of the checks that are under way; several may be. */
  const checking = new Set<string>();
  const steps: StepResult[] = [];
  const kmsEvents: KmsEvent[] = [];
  let floor: Floor | null = null;
  const findings: Finding[] = [];
  let thresholds: Threshold[] = [];
  let plan: Result["plan"] = null;
  let step: string | undefined;
  let open: Cell | undefined;
  let phase: OpenPhase | undefined;
  let end: Extract<JournalEntry, { event: "end" }> | undefined;
  let atMs = first.atMs;

  for (const [index, entry] of rest.entries()) {
    // The header is line 1.
    const line = index + 2;
    if (end !== undefined) throw outOfOrder(line, "something after the run's end");
    atMs = Math.max(atMs, entry.atMs);
    switch (entry.event) {
      case "header":
        throw outOfOrder(line, "a second header");
      case "note":
        header.notes.push(entry.text);
        break;
      case "cell-started":
        if (open !== undefined) throw outOfOrder(line, "a cell that starts before the last one ended");
        open = {
          benchmark: entry.benchmark,
          parameters: entry.parameters,
          round: entry.round,
          provider: entry.provider,
          secrets: entry.secrets,
          startMs: entry.atMs,
          phases: [],
          envelopes: null,
          fault: null,
        };
        cells.push(open);
        break;
      case "phase-started":
        if (open === undefined) throw outOfOrder(line, "a phase outside of a cell");
        phase = { name: entry.name, due: entry.due, startMs: entry.atMs, mark: undefined };
        break;
      case "phase-progress":
        if (phase === undefined) throw outOfOrder(line, "the progress of a phase that did not start");
        phase.mark = entry;
        break;
      case "phase":
        if (open === undefined) throw outOfOrder(line, "a phase outside of a cell");
        open.phases.push(entry.phase);
        phase = undefined;
        break;
      case "envelopes":
        if (open === undefined) throw outOfOrder(line, "an envelope check outside of a cell");
        open.envelopes = entry.check;
        break;
      case "cell-ended":
        if (open === undefined) throw outOfOrder(line, "the end of a cell that did not start");
        open.fault = entry.fault;
        open = undefined;
        phase = undefined;
        break;
      case "check-started":
        checking.add(entry.id);
        break;
      case "check":
        if (checks.some(({ id }) => id === entry.result.id)) throw outOfOrder(line, `a second result of the check ${entry.result.id}`);
        checks.push(entry.result);
        checking.delete(entry.result.id);
        break;
      case "step-started":
        step = entry.id;
        break;
      case "step":
        if (steps.some(({ id }) => id === entry.result.id)) throw outOfOrder(line, `a second result of the step ${entry.result.id}`);
        steps.push(entry.result);
        step = undefined;
        break;
      case "kms-events":
        kmsEvents.push(...entry.events);
        break;
      case "floor":
        floor = entry.floor;
        break;
      case "finding":
        findings.push(entry.finding);
        break;
      case "thresholds":
        thresholds = entry.thresholds;
        break;
      case "plan":
        plan = entry.plan;
        break;
      case "end":
        end = entry;
        break;
    }
  }

  const where = step === undefined ? placeOf(phase?.name, checking, header) : `in the step ${step}`;
  const far = phase?.mark === undefined ? "" : `; ${progressWords(phase, phase.mark)}`;
  if (open !== undefined) open.fault = `Ended ${where}${far}.`;
  const cell = open === undefined ? "" : ` of ${cellName(open)}`;
  return {
    version: resultVersion,
    header,
    status: end?.status ?? "cut off",
    fault: end === undefined ? `The run was cut off ${where}${cell}${far}.` : end.fault,
    durationMs: atMs,
    cells,
    checks,
    steps,
    kmsEvents,
    floor,
    findings,
    thresholds,
    plan,
    runs: [],
  };
}

interface OpenPhase {
  readonly name: PhaseName;
  readonly due: number;
  readonly startMs: number;
  mark: PhaseMark | undefined;
}
type PhaseMark = Extract<JournalEntry, { event: "phase-progress" }>;

/** `10.0 s after its start it had come to 1234 of 5000 requests and 35 KMS calls`. */
function progressWords({ due, startMs }: OpenPhase, { atMs, done, kmsCalls }: PhaseMark): string {
  const requests = due > 0 ? `${done} of ${due} requests` : done > 0 ? `${done} requests` : "";
  const calls = `${kmsCalls} KMS ${kmsCalls === 1 ? "call" : "calls"}`;
  return `${inSeconds(atMs - startMs)} after its start it had come to ${requests === "" ? calls : `${requests} and ${calls}`}`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** What follows one upon the other in a run of a command. */
const betweens: Readonly<Record<string, string>> = { conform: "checks", ack: "steps" };

function placeOf(phase: PhaseName | undefined, checking: ReadonlySet<string>, { command }: Header): string {
  if (phase !== undefined) return `in the phase ${phase}`;
  if (checking.size === 0) return `between two ${betweens[command] ?? "phases"}`;
  return `in the ${checking.size === 1 ? "check" : "checks"} ${[...checking].join(", ")}`;
}

/**
 * `kms-v2, 50 secrets`, or with parameters and rounds `kms-v2, 50 secrets, kmsLatencyMs 10, round 2`; the name of the benchmark stands before
 * that where it is another than the first one that there was.
 */
export function cellName({ benchmark = "lifecycle", provider, secrets, parameters = {}, round = 1 }: CellOrigin): string {
  const parts = [
    provider,
    ...(secrets > 0 ? [`${secrets} secrets`] : []),
    ...parameterWords(parameters),
    ...(round > 1 ? [`round ${round}`] : []),
  ];
  return `${benchmark === "lifecycle" ? "" : `${benchmark}: `}${parts.join(", ")}`;
}

/** `kmsLatencyMs 10` for each. */
export function parameterWords(parameters: Cell["parameters"]): string[] {
  return Object.entries(parameters).map(([name, value]) => `${name} ${value}`);
}

type CellOrigin = Pick<Cell, "provider" | "secrets"> & Partial<Pick<Cell, "benchmark" | "parameters" | "round">>;

function outOfOrder(line: number, what: string): RunFolderError {
  return new RunFolderError("journal-out-of-order", `Line ${line} of the journal is ${what}.`);
}
