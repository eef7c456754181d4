import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Clock } from "../../harness/clock.ts";
import { Lease } from "../../harness/lease.ts";
import { Display } from "../../harness/run/display.ts";
import { clockResolutionNs, machineFacts } from "../../harness/run/machine.ts";
import { createRunFolder } from "../../harness/run/run-folder.ts";
import type { Result } from "../../harness/run/schema.ts";
import { StepProgress } from "../../harness/run/step-progress.ts";
import { chooseTarget } from "../../harness/target/choose.ts";
import { defaultVersions, removeContainer } from "../../harness/target/install/index.ts";
import type { TargetKind } from "../../harness/target/target.ts";
import { type ReplacedParts, runProcedure } from "./run.ts";
import type { AckRunOptions } from "./stage.ts";

/** What a run of the procedure left behind. */
export interface ProcedureRun {
  readonly result: Result;
  /** The lines of progress. */
  readonly progress: string;
}

/** For tests: carries the procedure out in a folder that is removed again. */
export async function procedureRun(
  kind: TargetKind,
  clock: Clock,
  { parts, ...options }: Partial<AckRunOptions> & { readonly parts?: ReplacedParts } = {},
): Promise<ProcedureRun> {
  const { signal } = new AbortController();
  const { target } = await chooseTarget({ wanted: kind, ...defaultVersions, environment: process.env, progress: () => {}, clock, signal });
  await using parent = await mkdtempDisposable(join(tmpdir(), "kmsmark-run-"));
  await using lease = Lease.take("test", removeContainer);
  await using folder = await createRunFolder({ command: "ack", parent: parent.path, clock });
  const journal = folder.startJournal({
    runId: lease.id,
    command: "ack",
    arguments: [],
    startedAt: new Date(clock.wallMs()).toISOString(),
    seed: "procedure-run",
    strict: false,
    kmsmark: "0.0.0",
    machine: machineFacts(),
    target: { kind, kubernetes: defaultVersions.kubernetesVersion, etcd: null, isModel: kind === "embedded", refused: [] },
    plugin: "bundled plugin, against an emulated cloud",
    clock: { resolutionNs: clockResolutionNs(clock) },
    notes: [],
  });
  const stream = new PassThrough();
  using progress = new StepProgress(new Display({ stream, mode: "lines", clock }));
  const wanted = { lack: undefined, badKey: undefined, isAuthorizing: true, secrets: 50, seed: "procedure-run", ...options };
  await runProcedure(wanted, { ...defaultVersions, target, lease, clock, signal, journal, progress }, parts);
  journal.append({ event: "end", status: "complete", fault: null });
  stream.end();
  return { result: journal.result(), progress: (await stream.toArray()).join("") };
}
