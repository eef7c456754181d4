import type { Phase, Result, Timeline } from "../../harness/run/schema.ts";

/** For tests: a run whose phases have the timelines that they could have had, for fixtures from before there were any. */
export function withTimelines(result: Result, stepsMax = 60): Result {
  const cells = result.cells.map((cell) => ({
    ...cell,
    phases: cell.phases.map((phase) => ({ ...phase, timeline: phase.timeline ?? timelineOf(phase, stepsMax) })),
  }));
  return { ...result, cells };
}

function timelineOf({ durationMs, latency, kms, requests }: Phase, stepsMax: number): Timeline {
  const stepMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((each) => durationMs / each <= stepsMax) ?? 10_000;
  const steps = Array.from({ length: Math.max(1, Math.ceil(durationMs / stepMs)) }, (_, step) => step);
  const evenly = (total: number, step: number) =>
    Math.floor(((step + 1) * total) / steps.length) - Math.floor((step * total) / steps.length);
  return {
    stepMs,
    load:
      latency === null
        ? []
        : steps.map((step) => {
            const p50 = Math.round(latency.p50 * (1 + 0.2 * Math.sin(step * 1.7)));
            const p99 = Math.round(p50 * (1.5 + Math.cos(step * 2.9)));
            return {
              step,
              ...{ ok: evenly(requests.ok, step), failed: evenly(requests.failed, step), dropped: evenly(requests.dropped, step) },
              p50,
              p99,
              max: p99,
            };
          }),
    kms:
      kms === null
        ? null
        : Object.fromEntries(
            Object.entries(kms).map(([method, { calls }]) => [
              method,
              steps.map((step) => ({ step, calls: evenly(calls, step), failed: 0 })).filter((each) => each.calls > 0),
            ]),
          ),
  };
}
