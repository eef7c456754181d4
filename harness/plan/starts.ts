import type { PlanDuration, PlanStart } from "../run/plan-schema.ts";
import { reckonStart } from "./figures.ts";
import { type Fleet, objectsOf } from "./fleet.ts";
import { Simulation } from "./simulation.ts";

/** Reads that are still played one by one; more are reckoned. About a second of work. */
const readsMax = 150_000;
/** Servers that hold each other up read again and again: fewer are played, and not for longer than so many events. */
const contendedReadsMax = 20_000;
const eventsMax = 400_000;
/** Repetitions where the latency is drawn: enough for a spread, and no more than the time allows. */
const seedsMax = 5;
/** A start that has not ended then is said never to. */
const patienceMs = 3_600_000;

/** A start of so many API servers at one moment: of one cluster, or of all of a region. */
export function startOf(fleet: Fleet, what: string, servers: number, seed: string): PlanStart {
  const reckoned = reckonStart(fleet, servers);
  const reads = servers * objectsOf(fleet);
  const isPlayed = reads <= (reckoned.readyMs === null ? contendedReadsMax : readsMax);
  const common = { what, servers, calls: reckoned.calls, note: reckoned.note };
  if (!isPlayed) {
    const ms = reckoned.readyMs;
    return { ...common, ready: ms === null ? null : { lowMs: ms, midMs: ms, highMs: ms }, how: "reckoned" };
  }
  const seeds = fleet.kmsLatency.shape === "constant" ? 1 : Math.max(1, Math.min(seedsMax, Math.floor(readsMax / reads)));
  const readyMs = Array.from({ length: seeds }, (_, at) => playStart(fleet, servers, `${seed}/start ${at}`));
  const ready = spread(readyMs);
  const isOver = ready !== null && reckoned.readyMs === null;
  return {
    ...common,
    ready,
    how: "simulated",
    note: isOver ? "They hold each other up over the quota, and are ready only because some pause while others get on." : common.note,
  };
}

/** Plays it; undefined where some server is never ready. */
function playStart(fleet: Fleet, servers: number, seed: string): number | undefined {
  const clusters = Math.ceil(servers / fleet.apiServers);
  const simulation = new Simulation({ fleet: { ...fleet, clusters, writes: 0, reads: 0, lists: 0 }, seed });
  const starting = simulation.servers.slice(0, servers);
  let left = starting.length;
  for (const server of starting) {
    server.onReady = () => left--;
    server.start();
  }
  simulation.queue.run(patienceMs, () => left === 0 || simulation.queue.events > eventsMax);
  const times = starting.map(({ readyAfterMs }) => readyAfterMs);
  return times.includes(undefined) ? undefined : Math.max(...times.flatMap((ms) => ms ?? []));
}

/** The least, the median and the most of what the seeds gave; null where one of them gave nothing. */
export function spread(values: readonly (number | undefined)[]): PlanDuration {
  const sorted = values.flatMap((value) => value ?? []).sort((a, b) => a - b);
  const [low] = sorted;
  const mid = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted.at(-1);
  if (sorted.length < values.length || low === undefined || mid === undefined || high === undefined) return null;
  return { lowMs: low, midMs: mid, highMs: high };
}
