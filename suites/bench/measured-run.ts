import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { systemClock as clock } from "../../harness/clock.ts";
import { Lease } from "../../harness/lease.ts";
import { localProvider } from "../../harness/plugin-process.ts";
import { Display } from "../../harness/run/display.ts";
import { clockResolutionNs, machineFacts } from "../../harness/run/machine.ts";
import { Progress } from "../../harness/run/progress.ts";
import { createRunFolder } from "../../harness/run/run-folder.ts";
import type { Cell, Result } from "../../harness/run/schema.ts";
import { workCalls } from "../../harness/run/verdict.ts";
import { chooseTarget } from "../../harness/target/choose.ts";
import { defaultVersions, removeContainer } from "../../harness/target/install/index.ts";
import type { TargetKind } from "../../harness/target/target.ts";
import { type BenchOptions, benchDefaults, type ControlPlaneBenchmark } from "./benchmark.ts";
import { lifecycle } from "./lifecycle.ts";

/** For tests: runs the benchmark in a folder that is removed again, and resolves to what it measured. */
export async function measuredRun(
  kind: TargetKind,
  options: Partial<BenchOptions>,
  benchmark: ControlPlaneBenchmark = lifecycle,
): Promise<Result> {
  const { signal } = new AbortController();
  const { target } = await chooseTarget({ wanted: kind, ...defaultVersions, environment: process.env, progress: () => {}, clock, signal });
  const parent = await mkdtemp(join(tmpdir(), "kmsmark-run-"));
  await using _parent = { [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
  await using lease = Lease.take("test", removeContainer);
  await using folder = await createRunFolder({ command: "bench", parent, clock });
  const bench: BenchOptions = {
    ...defaultVersions,
    ...benchDefaults,
    featureGates: {},
    load: { model: "closed", inFlight: 4 },
    own: {},
    pluginSocket: undefined,
    bundledProvider: localProvider,
    seed: "measured-run",
    ...options,
  };
  const journal = folder.startJournal({
    runId: lease.id,
    command: "bench",
    arguments: [],
    startedAt: new Date(clock.wallMs()).toISOString(),
    seed: bench.seed,
    strict: false,
    kmsmark: "0.0.0",
    machine: machineFacts(),
    target: { kind, kubernetes: bench.kubernetesVersion, etcd: bench.etcdVersion, isModel: kind === "embedded", refused: [] },
    plugin: "bundled plugin, provider local",
    clock: { resolutionNs: clockResolutionNs(clock) },
    notes: [],
  });
  using progress = new Progress(new Display({ stream: new PassThrough(), mode: "silent", clock }));
  await benchmark.run({ options: bench, target, lease, clock, signal, journal, samples: folder.samples, progress });
  journal.append({ event: "end", status: "complete", fault: null });
  return journal.result();
}

/** `write: Encrypt 50` for every phase in which a method was called to do work. Status is left out: it is called by the clock too. */
export function callsOf(cell: Cell): string[] {
  return cell.phases.flatMap((phase) =>
    ["Encrypt", "Decrypt"].flatMap((method) => {
      const calls = workCalls(phase, method);
      return calls === 0 ? [] : [`${phase.name}: ${method} ${calls}`];
    }),
  );
}

/** Phases, figures and parameters of a result that the benchmark does not name, so that no threshold could be set on them. */
export function unnamedIn({ cells }: Result, { metrics }: Pick<ControlPlaneBenchmark, "metrics">): string[] {
  const named = new Set<string>([
    ...metrics.phases,
    ...(metrics.figures ?? []),
    ...(metrics.parameters ?? []),
    "kmsLatencyMs",
    "apiServers",
  ]);
  const found = cells.flatMap(({ phases, parameters }) => [
    ...Object.keys(parameters),
    ...phases.flatMap(({ name, figures }) => [name, ...Object.keys(figures)]),
  ]);
  return [...new Set(found)].filter((name) => !named.has(name));
}
