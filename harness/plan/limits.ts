import type { Plan } from "../run/plan-schema.ts";
import { behaviourOf } from "./behaviour.ts";
import { reckonStart } from "./figures.ts";
import { type Fleet, objectsOf } from "./fleet.ts";
import { meanLatencyMs } from "./reckoning.ts";

type Limit = Plan["limits"][number];

/** What a value adds to the plaintext: KMS v2 with a key_id of 36 bytes and an EDEK of 60, KMS v1 with one of 184 (spec encryption-at-rest 2.4). */
const overheadBytes = { v1: 238, v2: 189 } as const;
/** etcd's own default for its database (https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota). */
const etcdQuotaBytes = 2 * 1024 ** 3;
/** A restart that takes longer is told of. */
const slowStartMs = 60_000;
const secretsMax = 1_000_000_000;

/** The walls ahead, each with the number of Secrets, or of API servers, at which it is hit; the nearest first. */
export function limitsOf(fleet: Fleet): Limit[] {
  const { decoders, gates } = behaviourOf(fleet.kubernetes);
  const limits: Limit[] = [];
  const bySecrets = (what: string, at: number) => {
    if (at <= secretsMax) limits.push({ what, at, unit: "secrets a cluster", isExceeded: fleet.secrets >= at });
  };
  const at = (secrets: number): Fleet => ({ ...fleet, secrets });
  const servers = fleet.clusters * fleet.apiServers;
  bySecrets(
    "A restart of one API server takes more than a minute",
    smallest((secrets) => (reckonStart(at(secrets), 1).readyMs ?? Number.POSITIVE_INFINITY) > slowStartMs),
  );
  bySecrets(
    servers === 1 ? "That API server may never be ready" : `All ${servers} API servers, started at once, may never be ready`,
    smallest((secrets) => reckonStart(at(secrets), servers).readyMs === null),
  );
  if (fleet.kms === "v1" && fleet.cachesize > 0) {
    const reads = gates["DetectCacheInconsistency"] === true ? "; every 5 to 7.5 minutes each API server decrypts all of them anew" : "";
    bySecrets(`The DEK cache of ${fleet.cachesize} no longer holds them${reads}`, fleet.cachesize + 1 - fleet.otherObjects);
  }
  if (fleet.quota !== undefined) {
    const quota = fleet.quota;
    bySecrets(
      "A restart of all API servers at once asks more than the quota of a second",
      smallest((secrets) => startRate(at(secrets), servers) > quota),
    );
    if (fleet.onQuota === "wait" && !keepsAll(fleet)) {
      const most = Math.floor((quota * (fleet.timeout - meanLatencyMs(fleet))) / 1000 / Math.min(decoders, objectsOf(fleet)));
      limits.push({
        what: "More that start at once than these hold each other up, and may never be ready",
        at: Math.max(1, most),
        unit: "API servers",
        isExceeded: servers > most,
      });
    }
  }
  bySecrets("They fill etcd's default quota of 2 GiB", Math.floor(etcdQuotaBytes / (fleet.secretSize + overheadBytes[fleet.kms])));
  return limits.sort((a, b) => Number(b.isExceeded) - Number(a.isExceeded) || nearness(a, fleet) - nearness(b, fleet));
}

function keepsAll(fleet: Fleet): boolean {
  return fleet.kms === "v2" || fleet.cachesize >= objectsOf(fleet);
}

/** How many times more than there are. */
function nearness({ at, unit }: Limit, { secrets, clusters, apiServers }: Fleet): number {
  return unit === "API servers" ? at / (clusters * apiServers) : at / secrets;
}

/** Calls a second of a start of so many, unthrottled. */
function startRate(fleet: Fleet, servers: number): number {
  const { calls } = reckonStart(fleet, servers);
  const { decoders } = behaviourOf(fleet.kubernetes);
  const perSecond = ((servers * decoders) / Math.max(meanLatencyMs(fleet), 1e-3)) * 1000;
  return Math.min(calls.max, perSecond);
}

/** The smallest number of Secrets for which it is so, where it stays so; infinite where it never is. */
function smallest(isSo: (secrets: number) => boolean): number {
  if (!isSo(secretsMax)) return Number.POSITIVE_INFINITY;
  let below = 0;
  let from = secretsMax;
  while (from - below > 1) {
    const middle = Math.floor((below + from) / 2);
    if (isSo(middle)) from = middle;
    else below = middle;
  }
  return from;
}
