/**
 * When requests are due. A schedule knows nothing of clocks, servers or sending: it gives numbers, and the driver lives by them.
 * Another arrival process (Poisson, a ramp) is another function that returns an {@link OpenSchedule}.
 */
export type Schedule = OpenSchedule | ClosedSchedule;

/** Requests fall due whether or not earlier ones were answered, as they do from independent clients. */
export interface OpenSchedule {
  readonly model: "open";
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
  readonly count: number;
  /** The number of workers. */
  readonly inFlight: number;
}

/** `count` requests, the first due at once and the others at equal distances. */
export function constantRate({ ratePerSecond, count }: { readonly ratePerSecond: number; readonly count: number }): OpenSchedule {
  if (!(ratePerSecond > 0 && Number.isFinite(ratePerSecond))) throw new RangeError(`A rate of ${ratePerSecond}/s is no rate.`);
  return {
    model: "open",
    count: wholeNumber("count", count, 0),
    ratePerSecond,
    dueTimesMs() {
      let index = 0;
      // From the index, not by adding up, so that no rounding gathers over a long schedule.
      return () => (index++ * 1000) / ratePerSecond;
    },
  };
}

/** `count` requests by `inFlight` workers. */
export function closedLoop({ inFlight, count }: { readonly inFlight: number; readonly count: number }): ClosedSchedule {
  return { model: "closed", count: wholeNumber("count", count, 0), inFlight: wholeNumber("inFlight", inFlight, 1) };
}

function wholeNumber(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${name} is ${value}, and must be a whole number from ${least}.`);
  return value;
}
