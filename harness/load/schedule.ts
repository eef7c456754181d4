import type { Random } from "../random.ts";
import type { arrivals } from "../run/schema.ts";

/**
 * When requests are due. A schedule knows nothing of clocks, servers or sending: it gives numbers, and the driver lives by them.
 * Another arrival process is another function that returns an {@link OpenSchedule}.
 */
export type Schedule = OpenSchedule | ClosedSchedule;

/** Requests fall due whether or not earlier ones were answered, as they do from independent clients. */
export interface OpenSchedule {
  readonly model: "open";
  readonly arrivals: (typeof arrivals)[number];
  /** How many requests there are. */
  readonly count: number;
  /** Requests per second, on average over the schedule. */
  readonly ratePerSecond: number;
  /**
   * Begins anew: a function that gives one due time after the other, in milliseconds since the start, ascending, the same at each beginning. After `count` of
   * them it means nothing.
   */
  dueTimesMs(): () => number;
}

/** A fixed number of workers, each of which sends its next request when its last was answered: a request is due when its worker is free. */
export interface ClosedSchedule {
  readonly model: "closed";
  /** How many requests there are at most. */
  readonly count: number;
  /** The number of workers. */
  readonly inFlight: number;
  /** Nothing is sent any more after it, however much is left; absent where the count alone ends it. */
  readonly durationMs?: number;
}

/** `count` requests, the first due at once and the others at equal distances. */
export function constantRate({ ratePerSecond, count }: { readonly ratePerSecond: number; readonly count: number }): OpenSchedule {
  return {
    model: "open",
    arrivals: "constant",
    count: wholeNumber("count", count, 0),
    ratePerSecond: rate(ratePerSecond),
    dueTimesMs() {
      let index = 0;
      // From the index, not by adding up, so that no rounding gathers over a long schedule.
      return () => (index++ * 1000) / ratePerSecond;
    },
  };
}

/**
 * `count` requests at distances that are exponentially distributed, as those of many clients are that know nothing of one another. It is the
 * generator's child `arrivals` that is drawn from, so the same generator gives the same schedule.
 */
export function poissonRate({
  ratePerSecond,
  count,
  random,
}: {
  readonly ratePerSecond: number;
  readonly count: number;
  readonly random: Random;
}): OpenSchedule {
  return {
    model: "open",
    arrivals: "poisson",
    count: wholeNumber("count", count, 0),
    ratePerSecond: rate(ratePerSecond),
    dueTimesMs() {
      const drawn = random.child("arrivals");
      let dueMs = 0;
      return () => {
        dueMs -= (Math.log1p(-drawn.fraction()) * 1000) / ratePerSecond;
        return dueMs;
      };
    },
  };
}

/** `count` requests at a rate that grows or falls evenly from one to the other. */
export function rampRate({ fromPerSecond, toPerSecond, count }: RateSpan & { readonly count: number }): OpenSchedule {
  const ratePerSecond = (rate(fromPerSecond) + rate(toPerSecond)) / 2;
  const growthPerSecond2 = ((toPerSecond - fromPerSecond) * ratePerSecond) / wholeNumber("count", count, 0);
  return {
    model: "open",
    arrivals: "ramp",
    count,
    ratePerSecond,
    dueTimesMs() {
      let index = 0;
      // Request i is due at the t with i = from·t + growth·t²/2, solved in the form that subtracts nothing and may divide by any growth, 0 too.
      return () => {
        const due = index++;
        return (2000 * due) / (fromPerSecond + Math.sqrt(Math.max(0, fromPerSecond ** 2 + 2 * growthPerSecond2 * due)));
      };
    },
  };
}

/** From one rate to another, requests per second. */
export interface RateSpan {
  readonly fromPerSecond: number;
  readonly toPerSecond: number;
}

/** `count` requests at one rate after the other, each for as long. */
export function stepRates({ ratesPerSecond, count }: { readonly ratesPerSecond: readonly number[]; readonly count: number }): OpenSchedule {
  return piecewise("step", ratesPerSecond, count);
}

/** `count` requests at the base rate, but for the third of five parts of the time, which is at the peak's. */
export function spikeRate({ basePerSecond, peakPerSecond, count }: RateSpike & { readonly count: number }): OpenSchedule {
  return piecewise("spike", [basePerSecond, basePerSecond, peakPerSecond, basePerSecond, basePerSecond], count);
}

/** The rate beside a spike and in it, requests per second. */
export interface RateSpike {
  readonly basePerSecond: number;
  readonly peakPerSecond: number;
}

/** One rate after the other, each for an equal part of the time that `count` requests take. */
function piecewise(kind: OpenSchedule["arrivals"], ratesPerSecond: readonly number[], count: number): OpenSchedule {
  if (ratesPerSecond.length === 0) throw new RangeError("Without a rate there is no schedule.");
  const ratePerSecond = ratesPerSecond.reduce((sum, each) => sum + rate(each), 0) / ratesPerSecond.length;
  const partMs = (wholeNumber("count", count, 0) * 1000) / ratePerSecond / ratesPerSecond.length;
  return {
    model: "open",
    arrivals: kind,
    count,
    ratePerSecond,
    dueTimesMs() {
      let index = 0;
      let part = 0;
      /** How many fall due before this part. */
      let before = 0;
      return () => {
        const due = index++;
        for (;;) {
          const perMs = (ratesPerSecond[part] ?? 0) / 1000;
          const inPartMs = (due - before) / perMs;
          if (inPartMs < partMs || part === ratesPerSecond.length - 1) return part * partMs + inPartMs;
          before += perMs * partMs;
          part++;
        }
      };
    },
  };
}

/** `count` requests as far apart as those that were recorded, which are gone through again and again if there are fewer. */
export function replayOf({ recordedMs, count }: { readonly recordedMs: Float64Array; readonly count: number }): OpenSchedule {
  const [firstMs] = recordedMs;
  const lastMs = recordedMs.at(-1);
  if (firstMs === undefined || lastMs === undefined) throw new RangeError("Nothing was recorded that could be replayed.");
  if (recordedMs.some((ms, index) => !(ms >= (recordedMs[index - 1] ?? 0)))) throw new RangeError("What is replayed must ascend from 0.");
  // From the last back to the first it takes as long as between two on average; what came all at once is repeated once a second.
  const spanMs = lastMs === firstMs ? 1000 : ((lastMs - firstMs) * recordedMs.length) / (recordedMs.length - 1);
  return {
    model: "open",
    arrivals: "replay",
    count: wholeNumber("count", count, 0),
    ratePerSecond: rate((recordedMs.length * 1000) / spanMs),
    dueTimesMs() {
      let at = 0;
      let rounds = 0;
      return () => {
        if (at === recordedMs.length) {
          at = 0;
          rounds++;
        }
        return (recordedMs[at++] ?? 0) - firstMs + rounds * spanMs;
      };
    },
  };
}

/** Until `count` requests were sent by `inFlight` workers, or `durationMs` have passed. */
export function closedLoop(options: { readonly inFlight: number; readonly count: number; readonly durationMs?: number }): ClosedSchedule {
  const { inFlight, count, durationMs } = options;
  if (durationMs !== undefined && !(durationMs > 0)) throw new RangeError(`A load cannot take ${durationMs} ms.`);
  return {
    model: "closed",
    count: wholeNumber("count", count, 0),
    inFlight: wholeNumber("inFlight", inFlight, 1),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

function rate(perSecond: number): number {
  if (!(perSecond > 0 && Number.isFinite(perSecond))) throw new RangeError(`A rate of ${perSecond}/s is no rate.`);
  return perSecond;
}

function wholeNumber(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${name} is ${value}, and must be a whole number from ${least}.`);
  return value;
}
