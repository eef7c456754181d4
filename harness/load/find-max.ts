import type { ClientCost } from "../run/schema.ts";
import type { LoadResult } from "./driver.ts";

/** What a latency has to stay below: `p99<50ms`. */
export interface LatencyThreshold {
  /** As it was given. */
  readonly text: string;
  /** 99.9 of `p99.9`. */
  readonly percent: number;
  readonly limitMs: number;
}

/** What a rate showed when it was tried. */
export interface RateTrial {
  readonly ratePerSecond: number;
  /** `client`: the threshold broke, but it was the client that could send no more, so that the trial says nothing of the server. */
  readonly outcome: "holds" | "breaks" | "client";
  /** The quantile that was asked for, ms. */
  readonly latencyMs: number;
}

export interface FindMaxOptions {
  /** Where the search begins, requests a second. */
  readonly startPerSecond: number;
  /** It ends there at the latest; default a million. */
  readonly mostPerSecond?: number;
  /** How near the two rates are, of which one holds and the other does not, when the search ends: 0.05 are 5 %. */
  readonly precision?: number;
  /** How often a rate near the edge is tried; most of the trials decide. Odd; default 3. */
  readonly repeats?: number;
  readonly trial: (ratePerSecond: number) => Promise<RateTrial>;
}

export interface FoundMax {
  /** The highest rate that was seen to hold; null where not even the lowest that was tried did. */
  readonly ratePerSecond: number | null;
  /** What stood above it: the threshold, or the client or the search's own end, and then the server may bear more. */
  readonly limit: "threshold" | "client" | "most";
  /** All that were made, in their order. */
  readonly trials: readonly RateTrial[];
}

/** The lowest rate that is still tried. */
const leastPerSecond = 1;

/**
 * Searches the highest rate that holds: doubles it until one does not, halves it if not even the first does, then divides the distance. A rate between the two is tried
 * until most of its trials say the same, because near the edge chance decides about one. A rate that the client could not offer ends the search as what it is.
 */
export async function findMax(options: FindMaxOptions): Promise<FoundMax> {
  const { startPerSecond, mostPerSecond = 1e6, precision = 0.05, repeats = 3, trial } = options;
  if (!(startPerSecond >= leastPerSecond && startPerSecond <= mostPerSecond))
    throw new RangeError(`${startPerSecond}/s is no rate to begin at.`);
  if (repeats % 2 !== 1) throw new RangeError(`Of ${repeats} trials there need not be a majority.`);
  const trials: RateTrial[] = [];
  const decide = async (ratePerSecond: number, most: number): Promise<RateTrial["outcome"]> => {
    const seen = { holds: 0, breaks: 0, client: 0 };
    for (;;) {
      const made = await trial(ratePerSecond);
      trials.push(made);
      const count = ++seen[made.outcome];
      if (count * 2 > most) return made.outcome;
      if (seen.holds + seen.breaks + seen.client >= most) return "client";
    }
  };

  let holds: number | null = null;
  let above: { ratePerSecond: number; outcome: "breaks" | "client" } | undefined;
  for (let rate = startPerSecond; ; ) {
    // One trial that holds is enough while the edge is far; of one that does not, chance may be the cause.
    const first = await decide(rate, 1);
    const outcome = first === "holds" ? first : await decide(rate, repeats);
    if (outcome === "holds") {
      holds = rate;
      if (above !== undefined) break;
      if (rate === mostPerSecond) return { ratePerSecond: rate, limit: "most", trials };
      rate = Math.min(rate * 2, mostPerSecond);
    } else {
      above = { ratePerSecond: rate, outcome };
      if (holds !== null) break;
      if (rate === leastPerSecond) return { ratePerSecond: null, limit: outcome === "client" ? "client" : "threshold", trials };
      rate = Math.max(rate / 2, leastPerSecond);
    }
  }
  // Chance may have let the lower one hold.
  if ((await decide(holds, repeats)) !== "holds") holds /= 2;
  while (above.ratePerSecond / holds > 1 + precision) {
    const middle = Math.sqrt(holds * above.ratePerSecond);
    const outcome = await decide(middle, repeats);
    if (outcome === "holds") holds = middle;
    else above = { ratePerSecond: middle, outcome };
  }
  const isSeen = trials.some(({ ratePerSecond, outcome }) => ratePerSecond === holds && outcome === "holds");
  return { ratePerSecond: isSeen ? holds : null, limit: above.outcome === "client" ? "client" : "threshold", trials };
}

/**
 * What a load at a rate says about it. It holds when the quantile does, all that was due was sent and nothing failed. If it does not, and the client had filled its
 * core or sent so late that this alone is a third of the limit, it was the client.
 */
export function trialOf(
  { percent, limitMs }: LatencyThreshold,
  ratePerSecond: number,
  { latency, failed, dropped, durationMs }: Pick<LoadResult, "latency" | "failed" | "dropped" | "durationMs">,
  { cpuMs, sendDelayMsP99 }: Pick<ClientCost, "cpuMs" | "sendDelayMsP99">,
): RateTrial {
  const latencyMs = latency.quantileNs(percent) / 1e6;
  if (latency.count > 0 && latencyMs < limitMs && failed === 0 && dropped === 0) return { ratePerSecond, outcome: "holds", latencyMs };
  const isClient = cpuMs / durationMs >= 0.9 || (sendDelayMsP99 ?? 0) > limitMs / 3;
  return { ratePerSecond, outcome: isClient ? "client" : "breaks", latencyMs };
}
