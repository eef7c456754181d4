import { writeTtlMs } from "../model/index.ts";
import { Random } from "../random.ts";
import type { Plan } from "../run/plan-schema.ts";
import { type Fleet, objectsOf } from "./fleet.ts";
import { durationWord } from "./quantity.ts";
import { Simulation, type Timed } from "./simulation.ts";

const seeds = 5;
/** A cluster runs for so long before its KMS goes away, plus up to a minute: where in the polls' turns the outage begins decides when writes fail. */
const warmMs = 400_000;
const turnMs = 60_000;
/** So many Secrets stand for all; whether the cache holds them is kept. */
const secretsMax = 60;
/** What is looked at after the outage. */
const afterMs = 300_000;

/** Plays an outage of the KMS on one cluster of the fleet, several times, and says what broke when. */
export function outageOf(fleet: Fleet, seed: string): Plan["outage"] {
  const lengthMs = fleet.outage;
  const plays = Array.from({ length: seeds }, (_, at) => play(fleet, lengthMs, `${seed}/outage ${at}`));
  return {
    lengthMs,
    effects: [
      effect(
        "writes",
        plays.map(({ writes }) => writes),
        lengthMs,
      ),
      effect(
        "reads of single Secrets",
        plays.map(({ reads }) => reads),
        lengthMs,
      ),
      effect(
        "health probes of the API servers",
        plays.map(({ probes }) => probes),
        lengthMs,
      ),
      restartEffect(plays.map(({ restart }) => restart)),
      ...(fleet.kms === "v2" && fleet.callsPerStatus === 0
        ? [
            `The plugin answers Status without asking the KMS, so the API servers do not notice, and go on writing with the seed that they have; only a start, a new key or a first read of another's seed needs the KMS.`,
          ]
        : []),
      ...(fleet.kms === "v2" && fleet.callsPerStatus > 0
        ? [`A seed may write for ${writeTtlMs / 1000} s after the last Status that went well: shorter outages break no write.`]
        : []),
    ],
  };
}

interface Broken {
  /** Since the outage's start; undefined where nothing failed. */
  readonly firstMs: number | undefined;
  /** Since the outage's end, when the last one failed; negative while it lasted. */
  readonly lastAfterMs: number | undefined;
  readonly failed: number;
  readonly of: number;
}

interface Played {
  readonly writes: Broken;
  readonly reads: Broken;
  readonly probes: Broken;
  /** A server that starts in the middle of the outage: when it is ready, since the outage's end; undefined where it is not for long after. */
  readonly restart: number | undefined;
}

function play(fleet: Fleet, lengthMs: number, seed: string): Played {
  const fromMs = warmMs + new Random(`${seed}/turn`).fraction() * turnMs;
  const outage = { fromMs, toMs: fromMs + lengthMs };
  const small = shrunk(fleet);
  const simulation = new Simulation({ fleet: small, seed, outage });
  const [cluster] = simulation.clusters;
  if (cluster === undefined) throw new RangeError("A fleet has a cluster.");
  for (const server of cluster.servers) server.start();
  cluster.scheduleLoad();
  simulation.queue.run(outage.toMs + afterMs);

  const alone = new Simulation({ fleet: { ...small, writes: 0, reads: 0 }, seed, outage });
  const [restarted] = alone.servers;
  alone.queue.at(fromMs + lengthMs / 2, () => restarted?.start());
  alone.queue.run(outage.toMs + 2 * afterMs, () => restarted?.isReady === true);
  const readyAtMs = restarted?.readyAfterMs === undefined ? undefined : fromMs + lengthMs / 2 + restarted.readyAfterMs;

  const probes = cluster.servers.flatMap((server) => server.probes.map(({ atMs, isOk }) => ({ dueMs: atMs, tookMs: 0, isOk })));
  return {
    writes: brokenOf(cluster.writes, outage),
    reads: brokenOf(cluster.readsDone, outage),
    probes: brokenOf(probes, outage),
    restart: readyAtMs === undefined ? undefined : readyAtMs - outage.toMs,
  };
}

function brokenOf(all: readonly Timed[], { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): Broken {
  const during = all.filter(({ dueMs, tookMs }) => dueMs + tookMs >= fromMs).sort((a, b) => a.dueMs - b.dueMs);
  const failed = during.filter(({ isOk }) => !isOk);
  const first = failed[0];
  const last = failed.at(-1);
  return {
    firstMs: first === undefined ? undefined : Math.max(0, first.dueMs + first.tookMs - fromMs),
    lastAfterMs: last === undefined ? undefined : last.dueMs + last.tookMs - toMs,
    failed: failed.length,
    of: during.filter(({ dueMs }) => dueMs < toMs).length,
  };
}

/** Few Secrets, a write and a read a second. */
function shrunk(fleet: Fleet): Fleet {
  const secrets = Math.min(fleet.secrets, secretsMax);
  const holds = fleet.cachesize < 0 || fleet.cachesize >= objectsOf(fleet);
  const cachesize = holds ? fleet.cachesize : Math.max(1, Math.floor((secrets * fleet.cachesize) / objectsOf(fleet)));
  const dekSources = fleet.dekSources === undefined ? {} : { dekSources: Math.min(fleet.dekSources, secrets) };
  return {
    ...fleet,
    ...dekSources,
    clusters: 1,
    secrets,
    otherObjects: 0,
    otherResources: 0,
    cachesize,
    writes: 1,
    reads: 1,
    lists: 0,
    quota: undefined,
  };
}

function effect(what: string, plays: readonly Broken[], lengthMs: number): string {
  const firsts = plays.flatMap(({ firstMs }) => firstMs ?? []);
  if (firsts.length === 0) return `In an outage of the KMS of ${durationWord(lengthMs)} no ${what} fail.`;
  const failed = plays.reduce((sum, each) => sum + each.failed, 0);
  const of = plays.reduce((sum, each) => sum + each.of, 0);
  const share = Math.min(100, Math.round((100 * failed) / Math.max(1, of)));
  const after = Math.max(...plays.flatMap(({ lastAfterMs }) => lastAfterMs ?? []));
  const some = firsts.length < plays.length ? ` in ${firsts.length} of ${plays.length} trials` : "";
  const late = after > 0 ? `, and the last one ${seconds(after)} after its end` : "";
  return `In an outage of the KMS of ${durationWord(lengthMs)}, ${share} % of the ${what} fail${some}: the first ${between(firsts)} after the outage began${late}.`;
}

function restartEffect(ready: readonly (number | undefined)[]): string {
  const times = ready.flatMap((ms) => ms ?? []);
  if (times.length < ready.length) return "An API server that starts in the middle of the outage is not ready ten minutes after its end.";
  if (Math.max(...times) <= 0) return "An API server that starts in the middle of the outage is ready all the same.";
  return `An API server that starts in the middle of the outage is ready ${between(times)} after its end.`;
}

function between(values: readonly number[]): string {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return seconds(low) === seconds(high) ? seconds(low) : `${seconds(low)} to ${seconds(high)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
