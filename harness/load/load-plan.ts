import type { Random } from "../random.ts";
import type { Load } from "../run/schema.ts";
import {
  closedLoop,
  constantRate,
  type OpenSchedule,
  poissonRate,
  type RateSpan,
  type RateSpike,
  rampRate,
  replayOf,
  type Schedule,
  spikeRate,
  stepRates,
} from "./schedule.ts";

/** What the rate of an open load does over its time, where it is not the same throughout. */
export type RateShape =
  | ({ readonly arrivals: "ramp" } & RateSpan)
  | ({ readonly arrivals: "spike" } & RateSpike)
  | { readonly arrivals: "step"; readonly ratesPerSecond: readonly number[] }
  | { readonly arrivals: "replay"; readonly recordedMs: Float64Array };

/** A load as it is asked for: what a result says of it, and what its due times are made from. A {@link Load} is one at a rate that does not change. */
export type LoadPlan = Load & {
  readonly shape?: RateShape;
  /** How long it goes on, however many requests that makes; where it is absent, their number decides. */
  readonly durationMs?: number;
};

/**
 * The schedule of a plan for `count` requests. Where the plan has a duration the schedule has as many as fall due in it, and a closed load `count` at
 * most.
 */
export function scheduleOf(plan: LoadPlan, { count, random }: { readonly count: number; readonly random: Random }): Schedule {
  const { durationMs } = plan;
  if (plan.model === "closed") return closedLoop({ inFlight: plan.inFlight, count, ...(durationMs === undefined ? {} : { durationMs }) });
  if (durationMs === undefined) return openSchedule(plan, count, random);
  // On average so many fall due; of a schedule that is not even, it takes a look at the due times.
  const most = Math.ceil((plan.ratePerSecond * durationMs) / 1000);
  if (plan.arrivals !== "poisson" && plan.arrivals !== "replay") return openSchedule(plan, most, random);
  const nextMs = openSchedule(plan, most, random).dueTimesMs();
  let due = 0;
  while (nextMs() < durationMs) due++;
  return openSchedule(plan, due, random);
}

function openSchedule(plan: LoadPlan & { readonly model: "open" }, count: number, random: Random): OpenSchedule {
  const { shape, ratePerSecond } = plan;
  switch (shape?.arrivals) {
    case "ramp":
      return rampRate({ ...shape, count });
    case "spike":
      return spikeRate({ ...shape, count });
    case "step":
      return stepRates({ ...shape, count });
    case "replay":
      return replayOf({ ...shape, count });
    case undefined:
      return plan.arrivals === "poisson" ? poissonRate({ ratePerSecond, count, random }) : constantRate({ ratePerSecond, count });
  }
}
