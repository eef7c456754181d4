import type { Fleet } from "./fleet.ts";

/** How long after a new key the migration begins: a poll may take a minute to see it, and the API servers' advice is to wait three more (spec encryption-at-rest 2.5). */
export const migrationDelayMs = 5 * 60_000;
/** An API server looks at its configuration this often (spec encryption-at-rest 4.4). */
const reloadPollMs = 60_000;

/** When the rollouts of a cluster begin; the first is its start. Milliseconds since the period's start. */
export function rolloutPhases(fleet: Fleet, cluster: number): number[] {
  const offsetMs = fleet.clusters === 1 ? 0 : (fleet.rolloutSpread * cluster) / fleet.clusters;
  const { rolloutEvery, period } = fleet;
  if (rolloutEvery === undefined) return [offsetMs];
  return Array.from({ length: Math.ceil((period - offsetMs) / rolloutEvery) }, (_, at) => offsetMs + at * rolloutEvery);
}

export type RotationStep =
  | { readonly kind: "new-key"; readonly atMs: number }
  | { readonly kind: "restart"; readonly atMs: number }
  | { readonly kind: "reload"; readonly atMs: number }
  | { readonly kind: "migrate"; readonly atMs: number };

/**
 * What the rotations of a period consist of. KMS v2 learns of a new key by Status. KMS v1 does not see one: another provider comes to the second
 * place, then to the first, the old values are rewritten, and the old provider goes; each time all API servers restart, or reload where they do that
 * (spec encryption-at-rest 1.6, 4.3). Rotations stand half way between rollouts.
 */
export function rotationSteps(fleet: Fleet, cluster: number): RotationStep[] {
  const { rotationEvery, period, clusters, rolloutSpread } = fleet;
  if (rotationEvery === undefined) return [];
  const offsetMs = clusters === 1 ? 0 : (rolloutSpread * cluster) / clusters;
  const steps: RotationStep[] = [];
  for (let atMs = rotationEvery / 2 + offsetMs; atMs < period; atMs += rotationEvery) steps.push(...rotationAt(fleet, atMs));
  return steps;
}

/** The steps of one rotation that begins then. */
export function rotationAt(fleet: Fleet, atMs: number): RotationStep[] {
  const migrationMs = (fleet.secrets / fleet.migrationRate) * 1000;
  if (fleet.kms === "v2") {
    return [
      { kind: "new-key", atMs },
      { kind: "migrate", atMs: atMs + migrationDelayMs },
    ];
  }
  const kind = fleet.reload ? "reload" : "restart";
  const changeMs = fleet.reload ? reloadPollMs : fleet.apiServers * fleet.rolloutGap + migrationDelayMs;
  return [
    { kind, atMs },
    { kind: "new-key", atMs: atMs + changeMs },
    { kind, atMs: atMs + changeMs },
    { kind: "migrate", atMs: atMs + changeMs + migrationDelayMs },
    { kind, atMs: atMs + changeMs + 2 * migrationDelayMs + migrationMs },
  ];
}
