import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import type { Clock } from "../clock.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { messageOf } from "../errors.ts";
import type { Journal } from "../run/journal.ts";
import { lookOf } from "../run/look.ts";
import { clockResolutionNs, machineFacts } from "../run/machine.ts";
import type { RunFolder } from "../run/run-folder.ts";
import type { Header } from "../run/schema.ts";
import type { StepProgress } from "../run/step-progress.ts";
import { verdicts } from "../run/verdict.ts";
import { kmsmarkVersion } from "../version.ts";
import { writeReports } from "./write-reports.ts";

/** What a run of steps knows of itself beforehand. */
export interface ProcedureRun extends Pick<Header, "runId" | "seed" | "target" | "plugin" | "notes"> {
  readonly json: boolean;
}

export interface ProcedureSurroundings {
  readonly folder: RunFolder;
  readonly progress: StepProgress;
  readonly clock: Clock;
  readonly context: CommandContext;
}

/** Takes the steps with a journal, writes down how that ended, and makes the reports. */
export async function runJournaled(
  { json: isJson, ...known }: ProcedureRun,
  { folder, progress, clock, context }: ProcedureSurroundings,
  takeSteps: (journal: Journal) => Promise<void>,
): Promise<ExitCode> {
  const { stdout, stderr, columns, environment, signal, line } = context;
  const journal = folder.startJournal({
    ...known,
    command: "ack",
    arguments: [...line.words],
    notes: [...line.notes, ...known.notes],
    startedAt: new Date(clock.wallMs()).toISOString(),
    strict: false,
    kmsmark: kmsmarkVersion(),
    machine: machineFacts(),
    clock: { resolutionNs: clockResolutionNs(clock) },
  });
  try {
    await takeSteps(journal);
    journal.append({ event: "end", status: "complete", fault: null });
  } catch (thrown) {
    journal.append({ event: "end", status: signal.aborted ? "interrupted" : "failed", fault: messageOf(thrown) });
    throw thrown;
  } finally {
    progress[Symbol.dispose]();
    const result = journal.result();
    // First, because a disk that is full takes no reports.
    stdout.write(isJson ? json.render(result) : renderTerminal(result, columns, lookOf(stdout, environment).paint));
    await writeReports(folder.path, result);
    if (!isJson) stderr.write(`The run is in ${folder.path}; report.html there shows it.\n`);
  }
  return verdicts(journal.result()).exitCode;
}
