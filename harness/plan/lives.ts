import type { Fleet } from "./fleet.ts";
import { rolloutPhases, rotationSteps } from "./schedule.ts";

/** One run of an API server, from its start until it is stopped to start anew, or the period ends. Milliseconds since the period's start. */
export interface Life {
  readonly server: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The lives of the API servers of a cluster, in the order of their starts. */
export function livesOf(fleet: Fleet, cluster: number): Life[] {
  const restarts = rotationSteps(fleet, cluster).filter(({ kind }) => kind === "restart");
  const phases = [...rolloutPhases(fleet, cluster), ...restarts.map(({ atMs }) => atMs)];
  return Array.from({ length: fleet.apiServers }, (_, server) => server)
    .flatMap((server) => {
      const starts = phases.map((phase) => phase + server * fleet.rolloutGap).sort((a, b) => a - b);
      return starts.map((startMs, at): Life => ({ server, startMs, endMs: Math.min(starts[at + 1] ?? fleet.period, fleet.period) }));
    })
    .filter(({ startMs, endMs }) => startMs < endMs)
    .sort((a, b) => a.startMs - b.startMs || a.server - b.server);
}

/** How many of the times `(i + 1/2) × stepMs`, i from 0, lie in `[fromMs, toMs)`. */
export function beatsWithin(stepMs: number, fromMs: number, toMs: number): number {
  if (!Number.isFinite(stepMs) || toMs <= fromMs) return 0;
  return Math.max(0, beatsBefore(stepMs, toMs) - beatsBefore(stepMs, fromMs));
}

/** How many of the times lie before `ms`: also the number of the first that does not. */
export function beatsBefore(stepMs: number, ms: number): number {
  let count = Math.max(0, Math.ceil(ms / stepMs - 0.5));
  // The very sums that the simulation makes decide, not what rounding makes of the quotient.
  while (count > 0 && beatMs(stepMs, count - 1) >= ms) count--;
  while (beatMs(stepMs, count) < ms) count++;
  return count;
}

/** The time of beat `at`. */
export function beatMs(stepMs: number, at: number): number {
  return at === 0 ? stepMs / 2 : (at + 0.5) * stepMs;
}
