import type { PlanFigures, PlanRange } from "../run/plan-schema.ts";
import { behaviourOf } from "./behaviour.ts";
import { type Fleet, listStartMs, objectsOf, resourceSizes } from "./fleet.ts";
import { type Cause, causes, type PlanMethod, planMethods } from "./ledger.ts";
import type { PriceTable } from "./price-table.ts";
import { type Burst, type CheckMemo, listCallsV2, listMs, meanLatencyMs, readyMsOf, reckonCluster } from "./reckoning.ts";

const monthMs = 30 * 86_400_000;

/** Calls of the whole fleet over the period. */
export interface FleetCalls {
  readonly rows: readonly { readonly cause: Cause; readonly method: PlanMethod; readonly total: PlanRange; readonly reachesKms: boolean }[];
  /** Of the KMS itself. */
  readonly kms: PlanRange;
  /** Starts and migrations, when they are. */
  readonly bursts: readonly Burst[];
  /** Of the KMS, evenly over the time, beside the bursts. */
  readonly evenPerSecond: number;
}

/** So many clusters of a fleet are reckoned each for itself; of more, so many stand for those whose rollouts are next to theirs. */
const representativesMax = 24;

/** Adds up the clusters of a fleet. */
export function fleetCalls(fleet: Fleet, seed: string): FleetCalls {
  const memo: CheckMemo = new Map();
  const sums = new Map<string, { cause: Cause; method: PlanMethod; min: number; max: number }>();
  const bursts: Burst[] = [];
  const representatives = Math.min(fleet.clusters, representativesMax);
  for (let at = 0; at < representatives; at++) {
    const first = Math.floor((at * fleet.clusters) / representatives);
    const next = Math.floor(((at + 1) * fleet.clusters) / representatives);
    const reckoned = reckonCluster(fleet, first, seed, memo);
    addShifted(bursts, reckoned.bursts, fleet, next - first);
    for (const cause of causes) {
      for (const method of planMethods) {
        const { min, max } = reckoned.counts.count(cause, method);
        if (max === 0) continue;
        const key = `${cause}/${method}`;
        const sum = sums.get(key) ?? { cause, method, min: 0, max: 0 };
        sum.min += min * (next - first);
        sum.max += max * (next - first);
        sums.set(key, sum);
      }
    }
  }
  const rows = [...sums.values()]
    .sort((a, b) => causes.indexOf(a.cause) - causes.indexOf(b.cause) || planMethods.indexOf(a.method) - planMethods.indexOf(b.method))
    .map(({ cause, method, min, max }) => ({ cause, method, total: { min, max }, reachesKms: timesAtKms(fleet, method) > 0 }));
  const kms = { min: 0, max: 0 };
  let even = 0;
  for (const { cause, method, total } of rows) {
    const times = timesAtKms(fleet, method);
    kms.min += times * total.min;
    kms.max += times * total.max;
    if (cause !== "start" && cause !== "migration") even += (times * (total.min + total.max)) / 2;
  }
  return { rows, kms, bursts, evenPerSecond: even / (fleet.period / 1000) };
}

/** The bursts of a cluster, and of those after it, each of which begins a little later. */
function addShifted(all: Burst[], bursts: readonly Burst[], { clusters, rolloutSpread, period }: Fleet, count: number): void {
  for (let cluster = 0; cluster < count; cluster++) {
    const shiftMs = (rolloutSpread * cluster) / clusters;
    for (const { cause, fromMs, toMs, calls } of bursts) {
      if (calls > 0 && fromMs + shiftMs < period) all.push({ cause, fromMs: fromMs + shiftMs, toMs: toMs + shiftMs, calls });
    }
  }
}

/** How often a call of the plugin reaches the KMS. */
export function timesAtKms({ callsPerStatus }: Fleet, method: PlanMethod): number {
  if (method === "Status") return callsPerStatus;
  return method === "Version" ? 0 : 1;
}

/** The load over time: bursts at their own speed above what is even, and what a quota makes of it. */
export interface Load {
  readonly peakPerSecond: number;
  readonly exceededMs: number;
  readonly firstExceededMs: number | null;
}

export function loadOf(fleet: Fleet, { bursts, evenPerSecond }: Pick<FleetCalls, "bursts" | "evenPerSecond">): Load {
  const changes = bursts
    .filter(({ calls }) => calls > 0)
    .flatMap(({ fromMs, toMs, calls }) => {
      // No burst is denser than one second, the unit in which a rate is told.
      const lengthMs = Math.max(1000, toMs - fromMs);
      const perSecond = calls / (lengthMs / 1000);
      return [
        { atMs: fromMs, by: perSecond },
        { atMs: fromMs + lengthMs, by: -perSecond },
      ];
    })
    .sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let perSecond = evenPerSecond;
  let peakPerSecond = evenPerSecond;
  let backlog = 0;
  let exceededMs = 0;
  let firstExceededMs: number | null = null;
  let beforeMs = 0;
  for (const { atMs, by } of [...changes, { atMs: fleet.period, by: 0 }]) {
    const lengthMs = Math.max(0, Math.min(atMs, fleet.period) - beforeMs);
    if (fleet.quota !== undefined && lengthMs > 0) {
      const growth = perSecond - fleet.quota;
      if (growth > 1e-9 * fleet.quota) {
        firstExceededMs ??= beforeMs;
        exceededMs += lengthMs;
        backlog += (growth * lengthMs) / 1000;
      } else if (backlog > 0) {
        const clearMs = Math.min(lengthMs, growth === 0 ? lengthMs : (backlog / -growth) * 1000);
        exceededMs += clearMs;
        backlog = Math.max(0, backlog + (growth * lengthMs) / 1000);
      }
    }
    beforeMs = Math.max(beforeMs, Math.min(atMs, fleet.period));
    perSecond += by;
    peakPerSecond = Math.max(peakPerSecond, perSecond);
  }
  return { peakPerSecond, exceededMs, firstExceededMs };
}

/** A start of some API servers at one moment, reckoned. */
export interface ReckonedStart {
  readonly calls: PlanRange;
  /** Null: no end can be told, because the servers hold each other up. */
  readonly readyMs: number | null;
  readonly note: string | null;
}

/** All of them share the quota; each lists its resources side by side. */
export function reckonStart(fleet: Fleet, servers: number): ReckonedStart {
  const { decoders } = behaviourOf(fleet.kubernetes);
  const latencyMs = meanLatencyMs(fleet);
  const sizes = resourceSizes(fleet);
  const sources = fleet.dekSources ?? fleet.apiServers;
  const perList = sizes.map((size) => (fleet.kms === "v1" ? { min: size, at: size, max: size } : listRange(size, sources, decoders)));
  const own = perList.reduce((sum, { at }) => sum + at, 0);
  const fixed = fleet.kms === "v2" ? 1 : 0;
  const calls = {
    min: servers * (perList.reduce((sum, { min }) => sum + min, 0) + fixed),
    max: servers * (perList.reduce((sum, { max }) => sum + max, 0) + fixed),
  };
  const freeMs = readyMsOf(fleet);
  const { quota, timeout, cachesize, onQuota } = fleet;
  const inFlight = servers * sizes.reduce((sum, size) => sum + Math.min(decoders, size), 0);
  const total = servers * own;
  if (quota === undefined || total <= quota || (inFlight / Math.max(latencyMs, 1e-6)) * 1000 <= quota)
    return { calls, readyMs: freeMs, note: null };
  const throttledMs = listStartMs(fleet) + ((total - quota) / quota) * 1000 + latencyMs;
  const waitMs = (inFlight / quota) * 1000;
  const keeps = fleet.kms === "v2" || cachesize >= objectsOf(fleet);
  if (onQuota === "wait" && waitMs + latencyMs <= timeout)
    return { calls, readyMs: Math.max(freeMs, throttledMs), note: "The quota sets the pace." };
  const why =
    onQuota === "wait"
      ? `${inFlight} calls are under way at once, of which each waits ${(waitMs / 1000).toFixed(1)} s for its turn; the API server gives up after ${timeout / 1000} s and lists anew.`
      : "The plugin fails what the quota refuses, and the API server lists anew.";
  if (!keeps)
    return {
      calls,
      readyMs: null,
      note: `${why} What it had decrypted does not fit its cache, so every attempt begins at nothing, and they hold each other up: it may never be over.`,
    };
  // What was decrypted stays in the cache: every attempt gets further, at the pace of the quota, with pauses that double up to 30 s.
  return {
    calls,
    readyMs: Math.max(freeMs, throttledMs) + 30_000,
    note: `${why} Every attempt gets further, because what it had decrypted stays cached.`,
  };
}

/** Between one call a source and one a decoder and source; in the middle what equal latencies give. */
function listRange(size: number, sources: number, decoders: number): { min: number; at: number; max: number } {
  return { min: Math.min(size, sources), at: listCallsV2(size, sources, decoders), max: Math.min(size, sources * decoders) };
}

/** What the calls cost a month. */
export function usdPerMonth(
  callsPerMonth: number,
  keys: number,
  { usdPer10000Calls, freeCallsPerMonth, usdPerKeyMonth }: PriceTable,
): number {
  return (Math.max(0, callsPerMonth - freeCallsPerMonth) / 10_000) * usdPer10000Calls + keys * usdPerKeyMonth;
}

/** The figures by which fleets are compared, all reckoned. */
export function figuresOf(fleet: Fleet, seed: string, prices: PriceTable | undefined, calls = fleetCalls(fleet, seed)): PlanFigures {
  const region = fleet.clusters * fleet.apiServers;
  const { decoders } = behaviourOf(fleet.kubernetes);
  const decrypts = resourceSizes(fleet).map((size) =>
    fleet.kms === "v1" ? size : listCallsV2(size, fleet.dekSources ?? fleet.apiServers, decoders),
  );
  const all = reckonStart(fleet, region);
  const regionPerSecond = peakOfStart(fleet, region, decrypts, all.readyMs);
  const peak = Math.max(loadOf(fleet, calls).peakPerSecond, regionPerSecond);
  const callsPerMonth = (((calls.kms.min + calls.kms.max) / 2) * monthMs) / fleet.period;
  return {
    decryptsPerStart: decrypts.reduce((sum, each) => sum + each, 0),
    readyOneMs: reckonStart(fleet, 1).readyMs,
    readyAllMs: reckonStart(fleet, fleet.apiServers).readyMs,
    readyRegionMs: all.readyMs,
    callsPerMonth,
    callsPerSecondPeak: peak,
    quotaUse: fleet.quota === undefined ? null : peak / fleet.quota,
    usdPerMonth: prices === undefined ? null : usdPerMonth(callsPerMonth, fleet.keys, prices),
  };
}

/** Calls that a start of all would make in a second if nothing held it back. */
function peakOfStart(fleet: Fleet, servers: number, perList: readonly number[], readyMs: number | null): number {
  const { decoders } = behaviourOf(fleet.kubernetes);
  const latencyMs = Math.max(meanLatencyMs(fleet), 1e-3);
  if (readyMs === null && fleet.quota === undefined) return 0;
  return perList.reduce(
    (sum, calls) => sum + servers * Math.min(calls, calls / (Math.max(1000, listMs(calls, decoders, latencyMs)) / 1000)),
    0,
  );
}

/** Thirty days, the month of every figure. */
export const planMonthMs = monthMs;
