import { UsageError } from "../../harness/errors.ts";
import { durationMsOf } from "../../harness/kms/fault-syntax.ts";
import { ClientMeter } from "../../harness/load/client-cost.ts";
import { LoadDriver } from "../../harness/load/driver.ts";
import { type FoundMax, findMax, type LatencyThreshold, type RateTrial, trialOf } from "../../harness/load/find-max.ts";
import type { LoadRequest } from "../../harness/load/load-request.ts";
import { constantRate } from "../../harness/load/schedule.ts";
import type { Bench } from "./benchmark.ts";
import type { CellOrigin } from "./cell.ts";
import { ownOption } from "./own-option.ts";
import type { PhaseMeter } from "./phase-meter.ts";

/** A trial is as many requests as fall due in this time; longer where those would be too few for a quantile, but not without end. */
const trialMs = 1500;
const trialMsMax = 5000;
const trialRequestsMin = 100;
/** A request that is held for so many limits has broken the threshold already: it need not be waited for. */
export const dropAfterLimits = 20;
/** Where the search begins, requests a second: every API server bears that. */
const startPerSecond = 50;
const mostPerSecond = 20_000;

/** How many requests try a rate. */
export function trialCount(ratePerSecond: number): number {
  const dueIn = (ms: number) => Math.ceil((ratePerSecond * ms) / 1000);
  return Math.max(dueIn(trialMs), Math.min(trialRequestsMin, dueIn(trialMsMax)));
}

/** `--find-max 'p99<50ms'`. */
export const findMaxOption = ownOption<LatencyThreshold | undefined>({
  name: "find-max",
  describe: "Search the highest rate at which a latency stays below a limit: p99<50ms",
  default: "",
  parse(word) {
    if (word === "") return undefined;
    const [, percent = "", limit = ""] = /^p(\d{1,2}(?:\.\d+)?)\s*<\s*(\S+)$/.exec(word.trim()) ?? [];
    const limitMs = durationMsOf(limit);
    if (limitMs === undefined || !(Number(percent) > 0)) {
      throw new UsageError("bad-find-max", `--find-max takes a quantile and a limit, like p99<50ms or p99.9<1s, not "${word}".`);
    }
    return { text: `p${percent}<${limit}`, percent: Number(percent), limitMs };
  },
});

/** The figures of a phase in which a rate was searched. */
export const findMaxFigures = ["bearsPerSecond", "latencyMs", "trials"] as const;

export interface MaxRateSearch {
  readonly threshold: LatencyThreshold;
  /** What is asked for, in words: `reads`. */
  readonly what: string;
  /** So many requests for one trial, made ready. */
  readonly requestsOf: (count: number) => Promise<readonly LoadRequest[]>;
  /** Takes back what the requests of a trial did. */
  readonly undo?: (requests: readonly LoadRequest[]) => Promise<void>;
}

/** Searches the highest rate that a threshold bears, as the phase `max`, and ends in a finding. */
export async function measureMaxRate(bench: Bench, meter: PhaseMeter, origin: CellOrigin, search: MaxRateSearch): Promise<void> {
  const { journal } = bench;
  const { threshold, what } = search;
  await meter.during("max", async () => {
    const found = await findMax({
      startPerSecond,
      mostPerSecond,
      trial: (ratePerSecond) => tryRate(bench, meter, search, ratePerSecond),
    });
    const text = `${origin.provider} ${inWords(found, what)} with ${threshold.text}.`;
    journal.append({ event: "finding", finding: { benchmark: origin.benchmark, text } });
    return figuresOf(found);
  });
}

async function tryRate(bench: Bench, meter: PhaseMeter, search: MaxRateSearch, ratePerSecond: number): Promise<RateTrial> {
  const { clock, signal, options, progress } = bench;
  const count = trialCount(ratePerSecond);
  progress.update({ done: 0, kmsCalls: undefined, awaited: `${Math.round(ratePerSecond)} ${search.what} a second are tried` });
  const requests = await search.requestsOf(count);
  const driver = new LoadDriver({
    schedule: constantRate({ ratePerSecond, count }),
    sender: meter.sender(requests),
    clock,
    signal,
    inFlightMax: options.load.model === "open" ? options.load.inFlightMax : options.load.inFlight,
    dropAfterMs: search.threshold.limitMs * dropAfterLimits,
  });
  using client = new ClientMeter();
  const result = await driver.run();
  const cost = client.cost(result);
  signal.throwIfAborted();
  await search.undo?.(requests);
  return trialOf(search.threshold, ratePerSecond, result, cost);
}

/** The figures of a phase that was a search. */
export function figuresOf({ ratePerSecond, trials }: FoundMax): Record<string, number> {
  const seen = trials.findLast((trial) => trial.ratePerSecond === ratePerSecond && trial.outcome === "holds");
  const reached = ratePerSecond === null || seen === undefined ? {} : { bearsPerSecond: ratePerSecond, latencyMs: seen.latencyMs };
  return { ...reached, trials: trials.length };
}

/** `bears 1200 reads a second`, and what it was that it did not bear more of. */
export function inWords({ ratePerSecond, limit }: FoundMax, what: string): string {
  const rate = ratePerSecond === null ? `bears no rate of ${what}` : `bears ${Math.floor(ratePerSecond)} ${what} a second`;
  if (limit === "threshold") return rate;
  return limit === "client" ? `${rate}, and more than the client could offer was not tried,` : `${rate}, the most that was tried,`;
}
