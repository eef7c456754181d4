/**
 * What showing the progress costs the thread that sends a load: `node scripts/measure-progress.ts [SECONDS]` loads a sender that answers at
 * once with 2000 requests a second, in turn with and without the live lines, for so many seconds each (3 by default, five times), and prints, as
 * JSON, the CPU a request of each, the CPU a second that the lines cost, and what one drawing takes.
 */
import { createWriteStream } from "node:fs";
import { type Clock, systemClock as clock } from "../harness/clock.ts";
import { LoadDriver } from "../harness/load/driver.ts";
import { NextTurnSender } from "../harness/load/next-turn-sender.ts";
import { constantRate } from "../harness/load/schedule.ts";
import { Display } from "../harness/run/display.ts";
import { type ProgressMode, plainLook } from "../harness/run/look.ts";
import { Progress } from "../harness/run/progress.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

const ratePerSecond = 2000;
const readingMs = 250;
const times = 5;
/** How often a display draws. */
const redrawMs = 500;
const seconds = Number(process.argv[2] ?? 3);

function progressOf(mode: ProgressMode, time: Clock = clock): Progress {
  const stream = Object.assign(createWriteStream("/dev/null"), { isTTY: true, columns: 160, rows: 24 });
  return new Progress(new Display({ stream, mode, look: plainLook, clock: time }));
}

/** Microseconds of this thread's CPU a request. */
async function loaded(mode: ProgressMode): Promise<number> {
  const count = ratePerSecond * seconds;
  const schedule = constantRate({ ratePerSecond, count });
  const driver = new LoadDriver({ schedule, sender: new NextTurnSender(), clock, signal: new AbortController().signal });
  using progress = progressOf(mode);
  progress.expect({ weight: 2 * count, cells: 4, phases: 36 });
  progress.startPhase({ provider: "kms-v2", secrets: count, phase: "read", due: count, weight: count });
  const before = process.threadCpuUsage();
  let isOver = false;
  const running = driver.run().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([running, clock.sleep(readingMs)]);
    const state = driver.progress();
    progress.update({ ...state, kmsCalls: { Encrypt: 1, Decrypt: state.done, Status: 3 } });
  }
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / count;
}

/** Microseconds of this thread's CPU for one drawing, with its reading, once both are compiled: two a second are made. */
async function drawing(): Promise<number> {
  const virtual = new VirtualClock();
  using progress = progressOf("live", virtual);
  progress.startPhase({ provider: "kms-v2", secrets: 500, phase: "read", due: 1_000_000, weight: 1 });
  const draws = 2000;
  let before = process.threadCpuUsage();
  for (let done = 0; done < 2 * draws; done++) {
    if (done === draws) before = process.threadCpuUsage();
    progress.update({ done, failed: 0, kmsCalls: { Encrypt: 1, Decrypt: done, Status: 3 }, latency: { count: done, totalMs: done } });
    await virtual.advance(redrawMs);
  }
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / draws;
}

await loaded("live");
const costs: Record<"live" | "silent", number[]> = { live: [], silent: [] };
for (let time = 0; time < times; time++) for (const mode of ["live", "silent"] as const) costs[mode].push(await loaded(mode));
const median = (of: readonly number[]) => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;
const [live, silent] = [median(costs.live), median(costs.silent)];
const round = (figure: number) => Number(figure.toPrecision(3));
process.stdout.write(
  `${JSON.stringify({
    cpuUsPerRequest: { live: round(live), silent: round(silent) },
    cpuMsPerSecondOfLiveLines: round(((live - silent) * ratePerSecond) / 1000),
    cpuUsPerDrawing: round(await drawing()),
  })}\n`,
);
