import { Bench as Timing } from "tinybench";
import { UsageError } from "../../harness/errors.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { PluginBench } from "./benchmark.ts";
import { type CellOrigin, withinCell } from "./cell.ts";
import { ownOption } from "./own-option.ts";

/** What is timed again and again, as one phase. */
export interface MicroTask {
  readonly name: string;
  /** One piece of work. What it returns is of no use but that it was made. */
  readonly run: () => unknown;
  /** Work that takes less than the clock can tell is timed so many pieces at once; 1 for what is awaited. */
  readonly batch: number;
}

/** Shared by the micro-benchmarks: how long each task is timed. */
export const microMs = ownOption({
  name: "task-ms",
  describe: "How many milliseconds each piece of code is timed for",
  default: "250",
  parse(word) {
    const number = Number(word);
    if (word.trim() !== "" && number >= 1 && number <= 60_000) return number;
    throw new UsageError("bad-bench-options", `--task-ms takes milliseconds from 1 to 60000, not "${word}".`);
  },
});

/** Timed before it counts, as a part of the time that counts. */
const warmUpShare = 0.4;

/** Times every task, one phase each: `requests` counts pieces of work, the latency is that of one piece, by the mean of the batch in which it was timed. */
export async function measureMicro(bench: PluginBench, origin: CellOrigin, tasks: readonly MicroTask[]): Promise<void> {
  await withinCell(bench, origin, async () => {
    for (const task of tasks) await measureTask(bench, origin, task);
  });
}

async function measureTask(bench: PluginBench, origin: CellOrigin, { name, run, batch }: MicroTask): Promise<void> {
  const { options, clock, signal, journal, progress } = bench;
  const time = microMs.of(options);
  journal.append({ event: "phase-started", name, due: 0 });
  progress.startPhase({ ...origin, phase: name, due: 0, weight: 1 });
  // Between two tasks the event loop turns, which it does not while one is timed: progress is drawn, and an interruption is heard.
  await clock.sleep(0, signal);
  const startMs = journal.nowMs();
  const timing = new Timing({
    time,
    warmupTime: time * warmUpShare,
    now: () => clock.monotonicMs(),
    retainSamples: true,
    throws: true,
    signal,
  });
  const many = () => {
    let last: unknown;
    for (let piece = 0; piece < batch; piece++) last = run();
    return last;
  };
  timing.add(name, batch === 1 ? async () => void (await run()) : () => void many(), { async: batch === 1 });
  const beganMs = clock.monotonicMs();
  const [task] = await timing.run();
  signal.throwIfAborted();
  const result = task?.result;
  if (result?.state !== "completed") throw new TypeError(`The task ${name} was not timed to its end.`);
  const latency = LatencyHistogram.empty();
  for (const ms of result.latency.samples ?? []) latency.recordMs(ms / batch);
  const pieces = latency.count * batch;
  progress.endPhase();
  journal.append({
    event: "phase",
    phase: {
      name,
      startMs,
      durationMs: clock.monotonicMs() - beganMs,
      load: { model: "closed", inFlight: 1 },
      requests: { due: pieces, ok: pieces, failed: 0, dropped: 0 },
      failures: [],
      latency: latency.toLatency(),
      serviceTime: null,
      kms: null,
      server: {},
      agreements: [],
    },
  });
}
