import type { Plan, PlanFigures } from "../run/plan-schema.ts";
import { figuresOf } from "./figures.ts";
import { type Fleet, objectsOf } from "./fleet.ts";
import type { PriceTable } from "./price-table.ts";
import { durationWord, group } from "./quantity.ts";
import { amount, readyWords } from "./words.ts";

/** Below this share a difference is not worth a change. */
const worthwhile = 0.05;

/** What to change, each with what it would do; only what makes something better by a twentieth. */
export function adviceOf(fleet: Fleet, figures: PlanFigures, seed: string, prices: PriceTable | undefined): Plan["advice"] {
  return changesOf(fleet)
    .map(({ change, to }) => {
      const after = figuresOf({ ...fleet, ...to }, seed, prices);
      return { change, figures: after, effect: effectOf(figures, after) };
    })
    .filter(({ effect }) => effect !== "");
}

function changesOf(fleet: Fleet): { readonly change: string; readonly to: Partial<Fleet> }[] {
  const { kms, cachesize, rolloutSpread, clusters, callsPerStatus, healthInterval, coalesce } = fleet;
  const objects = objectsOf(fleet);
  const needed = Math.min(2 ** 31 - 1, 2 * objects);
  const changes: { readonly change: string; readonly to: Partial<Fleet> }[] = [];
  if (kms === "v1") changes.push({ change: "Move to KMS v2", to: { kms: "v2" } });
  if (kms === "v1" && cachesize < objects)
    changes.push({ change: `Set cachesize to ${group(needed)}, twice the objects`, to: { cachesize: needed } });
  if (clusters > 1) {
    const wider = Math.min(86_400_000, Math.max(4 * rolloutSpread, 4 * 3_600_000));
    if (wider > rolloutSpread)
      changes.push({ change: `Spread the rollouts of the clusters over ${durationWord(wider)}`, to: { rolloutSpread: wider } });
  }
  if (kms === "v2" && callsPerStatus > 0)
    changes.push({ change: "Let Status answer without asking the KMS each time", to: { callsPerStatus: 0 } });
  if (healthInterval < 60_000) changes.push({ change: "Probe readyz once a minute", to: { healthInterval: 60_000 } });
  if (kms === "v2" && !coalesce)
    changes.push({ change: "Let the plugin answer equal Decrypts that are under way with one call", to: { coalesce: true } });
  return changes;
}

function effectOf(before: PlanFigures, after: PlanFigures): string {
  const parts: string[] = [];
  if (isLess(before.callsPerMonth, after.callsPerMonth)) {
    parts.push(`calls of the KMS a month from ${amount(before.callsPerMonth)} to ${amount(after.callsPerMonth)}`);
  }
  if (isLess(before.callsPerSecondPeak, after.callsPerSecondPeak)) {
    parts.push(`the peak from ${amount(before.callsPerSecondPeak)} to ${amount(after.callsPerSecondPeak)} calls a second`);
  }
  if (isSooner(before.readyOneMs, after.readyOneMs)) {
    parts.push(`a restart of one API server from ${readyWords(before.readyOneMs)} to ${readyWords(after.readyOneMs)}`);
  }
  if (isSooner(before.readyRegionMs, after.readyRegionMs)) {
    parts.push(`a restart of all from ${readyWords(before.readyRegionMs)} to ${readyWords(after.readyRegionMs)}`);
  }
  if (before.usdPerMonth !== null && after.usdPerMonth !== null && isLess(before.usdPerMonth, after.usdPerMonth)) {
    parts.push(`the bill from USD ${before.usdPerMonth.toFixed(2)} to ${after.usdPerMonth.toFixed(2)} a month`);
  }
  return parts.join("; ");
}

function isLess(before: number, after: number): boolean {
  return after < before * (1 - worthwhile);
}

function isSooner(before: number | null, after: number | null): boolean {
  if (after === null) return false;
  return before === null || isLess(before, after);
}
