import { healthyPollMs } from "../model/index.ts";
import type { Plan } from "../run/plan-schema.ts";
import { fleetCalls, reckonStart } from "./figures.ts";
import type { Fleet } from "./fleet.ts";
import { durationWord } from "./quantity.ts";
import { migrationDelayMs, rotationAt } from "./schedule.ts";

/** What one rotation of the key takes and costs a cluster, the migration of all its Secrets included, and nothing that would be there without it. */
export function rotationOf(fleet: Fleet, seed: string): Plan["rotation"] {
  const last = rotationAt(fleet, 0).at(-1);
  const endMs = (last?.atMs ?? 0) + (fleet.kms === "v2" ? migrationMs(fleet) : restartMs(fleet));
  const alone: Fleet = {
    ...fleet,
    clusters: 1,
    writes: 0,
    reads: 0,
    lists: 0,
    rolloutEvery: undefined,
    rotationEvery: undefined,
    period: 2 * endMs,
  };
  const without = fleetCalls(alone, seed);
  const withIt = fleetCalls({ ...alone, rotationEvery: 2 * endMs }, seed);
  const sum = (rows: typeof withIt.rows, end: "min" | "max") =>
    rows.reduce((total, { cause, total: calls, reachesKms }) => total + (reachesKms && belongs(cause) ? calls[end] : 0), 0);
  const note =
    fleet.kms === "v2"
      ? `A new key is seen within ${healthyPollMs / 1000} s; the migration begins ${durationWord(migrationDelayMs)} after it and rewrites ${fleet.migrationRate} Secrets a second.`
      : `KMS v1 does not see a new key: another provider is added, put first, and the old one removed once the migration has rewritten ${fleet.migrationRate} Secrets a second; each time the API servers ${fleet.reload ? "reload their configuration" : "restart"}.`;
  return {
    durationMs: endMs,
    calls: {
      min: Math.max(0, sum(withIt.rows, "min") - sum(without.rows, "min")),
      max: sum(withIt.rows, "max") - sum(without.rows, "min"),
    },
    note,
  };
}

/** Polls, probes and consistency checks go on in any case. */
function belongs(cause: string): boolean {
  return cause === "start" || cause === "rotation" || cause === "migration" || cause === "reload";
}

function migrationMs({ secrets, migrationRate }: Fleet): number {
  return (secrets / migrationRate) * 1000;
}

/** Until the last of the API servers, which restart one after the other, is ready again. */
function restartMs(fleet: Fleet): number {
  return fleet.reload ? 0 : (fleet.apiServers - 1) * fleet.rolloutGap + (reckonStart(fleet, 1).readyMs ?? 0);
}
