import { decodeConcurrency } from "../model/index.ts";
import { minorOf } from "./fleet.ts";

/** How an API server of a version behaves, where versions differ (spec encryption-at-rest 6.4, 7, 9). */
export interface Behaviour {
  readonly gates: Readonly<Record<string, boolean>>;
  /** Values that the first list of a watch cache decodes at once. */
  readonly decoders: number;
  /** Whether lists are answered by the watch cache. */
  readonly listsFromCache: boolean;
  /** Whether readyz waits for the watch caches. */
  readonly readyWaitsForCaches: boolean;
}

/** What `v1.37.2` does by default. */
export function behaviourOf(version: string): Behaviour {
  const minor = minorOf(version);
  const gates = { ConcurrentWatchObjectDecode: minor >= 37, DetectCacheInconsistency: minor >= 34, KMSv1: minor < 29 };
  return { gates, decoders: decodeConcurrency(gates), listsFromCache: minor >= 31, readyWaitsForCaches: minor >= 36 };
}
