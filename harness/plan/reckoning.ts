import { consistencyCheckDelayMs, goodCheckTtlMs, healthyPollMs } from "../model/index.ts";
import { Random } from "../random.ts";
import { behaviourOf } from "./behaviour.ts";
import { type Fleet, listStartMs, objectsOf, resourceSizes } from "./fleet.ts";
import { type CallCount, type Cause, Ledger, type PlanMethod } from "./ledger.ts";
import { beatMs, beatsBefore, beatsWithin, type Life, livesOf } from "./lives.ts";
import { migrationDelayMs, type RotationStep, rotationSteps } from "./schedule.ts";
import { consistencyJitter } from "./simulated-server.ts";

/** Calls of which only the bounds are known, because they depend on what runs at once. Both are the same where the number is certain. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What the calls of a period come to, without playing them one by one. */
export class Reckoning {
  readonly #counts = new Map<string, { min: number; max: number }>();

  add(cause: Cause, method: PlanMethod, min: number, max = min): void {
    if (max <= 0) return;
    const key = `${cause}/${method}`;
    const count = this.#counts.get(key) ?? { min: 0, max: 0 };
    count.min += Math.max(0, min);
    count.max += max;
    this.#counts.set(key, count);
  }

  count(cause: Cause, method: PlanMethod): Range {
    return this.#counts.get(`${cause}/${method}`) ?? { min: 0, max: 0 };
  }
}

/** The latency that a reckoning goes by, milliseconds: the mean. */
export function meanLatencyMs({ kmsLatency }: Pick<Fleet, "kmsLatency">): number {
  switch (kmsLatency.shape) {
    case "constant":
      return kmsLatency.ms;
    case "uniform":
      return (kmsLatency.fromMs + kmsLatency.toMs) / 2;
    case "exponential":
      return kmsLatency.meanMs;
    case "quantiles": {
      let below = { fraction: 0, ms: kmsLatency.points[0]?.ms ?? 0 };
      let sum = 0;
      for (const point of kmsLatency.points) {
        sum += ((below.ms + point.ms) / 2) * (point.fraction - below.fraction);
        below = point;
      }
      return sum + below.ms * (1 - below.fraction);
    }
  }
}

/**
 * The Decrypts of one first list under KMS v2, where every call takes equally long and the sources take turns: each of a window of objects calls
 * unless its source has been answered, since there is no single flight (spec encryption-at-rest 2.6, 7).
 */
export function listCallsV2(objects: number, sources: number, decoders: number): number {
  let calls = 0;
  let next = 0;
  let known = 0;
  const isKnown = new Uint8Array(sources);
  const underWay: number[] = [];
  while (known < sources && (next < objects || underWay.length > 0)) {
    while (next < objects && underWay.length < decoders) {
      const source = next++ % sources;
      if (isKnown[source] === 1) continue;
      underWay.push(source);
      calls++;
    }
    const answered = underWay.shift();
    if (answered === undefined || isKnown[answered] === 1) continue;
    isKnown[answered] = 1;
    known++;
  }
  return calls;
}

/** How long the first list of one resource takes, milliseconds, where no quota stands in the way. */
export function listMs(calls: number, decoders: number, latencyMs: number): number {
  return Math.ceil(calls / decoders) * latencyMs;
}

/** One life with the moments that matter. */
interface Timeline extends Life {
  /** The providers are loaded. */
  readonly loadedMs: number;
  /** The first list begins, and with it the watch. */
  readonly listeningMs: number;
  /** By resource. */
  readonly filledMs: readonly number[];
  readonly readyMs: number;
}

/** The bulk of calls that one start makes, for the load over time. */
export interface Burst {
  readonly cause: "start" | "migration";
  readonly fromMs: number;
  readonly toMs: number;
  readonly calls: number;
}

/** Reckons the calls of one cluster over the period, as {@link Simulation.playPeriod} would play them, and where its bursts lie. */
export function reckonCluster(
  fleet: Fleet,
  cluster: number,
  seed: string,
  memo: CheckMemo = new Map(),
): { counts: Reckoning; bursts: Burst[] } {
  const counts = new Reckoning();
  const steps = rotationSteps(fleet, cluster);
  const lives = livesOf(fleet, cluster).map((life) => timelineOf(fleet, life));
  const newKeys = steps.filter(({ kind }) => kind === "new-key").map(({ atMs }) => atMs);
  const bursts: Burst[] = [];
  const random = new Random(seed).child(`cluster ${cluster}`);
  const writing = new Writing(fleet, lives, steps);
  for (const life of lives) {
    countStart(fleet, life, counts, bursts, writing);
    countChecks(fleet, life, newKeys, steps, counts, memo);
    countSecondHandshake(fleet, life, steps, counts);
    countConsistencyChecks(fleet, life, random.child(`${cluster}.${life.server}`), counts, steps);
  }
  countWrites(fleet, lives, writing, counts);
  countMigrations(fleet, lives, steps, counts, bursts);
  countReads(fleet, counts);
  return { counts, bursts };
}

function timelineOf(fleet: Fleet, life: Life): Timeline {
  const { decoders, readyWaitsForCaches } = behaviourOf(fleet.kubernetes);
  const latencyMs = meanLatencyMs(fleet);
  const loadedMs = life.startMs + (fleet.kms === "v2" ? (fleet.callsPerStatus + 1) * latencyMs : 0);
  const listeningMs = loadedMs + listStartMs(fleet);
  const filledMs = resourceSizes(fleet).map((size) => {
    const calls = fleet.kms === "v1" ? size : listCallsV2(size, sourcesAtFirst(fleet), decoders);
    return listeningMs + listMs(calls, decoders, latencyMs);
  });
  // The first probe of KMS v1 encrypts and decrypts; the one of v2 takes the answer of the start while that is fresh.
  const probeMs = fleet.kms === "v1" ? 2 * latencyMs : fleet.serverStart >= goodCheckTtlMs ? fleet.callsPerStatus * latencyMs : 0;
  const healthyMs = loadedMs + fleet.serverStart + probeMs;
  const readyMs = readyWaitsForCaches ? Math.max(healthyMs, ...filledMs) : healthyMs;
  return { ...life, loadedMs, listeningMs, filledMs, readyMs };
}

function sourcesAtFirst({ dekSources, apiServers }: Fleet): number {
  return dekSources ?? apiServers;
}

function countStart(fleet: Fleet, life: Timeline, counts: Reckoning, bursts: Burst[], writing: Writing): void {
  const { decoders } = behaviourOf(fleet.kubernetes);
  if (fleet.kms === "v2") {
    counts.add("start", "Status", 1);
    counts.add("start", "Encrypt", 1);
  }
  let calls = 0;
  for (const size of resourceSizes(fleet)) {
    const { min, max } = fleet.kms === "v1" ? { min: size, max: size } : writing.listCalls(size, life, decoders);
    const possible =
      life.endMs <= life.listeningMs ? 0 : Math.ceil(((life.endMs - life.listeningMs) / Math.max(meanLatencyMs(fleet), 1e-6)) * decoders);
    counts.add("start", "Decrypt", Math.min(min, possible), Math.min(max, possible));
    calls += Math.min(max, possible);
  }
  if (fleet.kms === "v1" && life.endMs > life.loadedMs + Math.min(listStartMs(fleet), fleet.serverStart)) counts.add("start", "Version", 1);
  bursts.push({ cause: "start", fromMs: life.listeningMs, toMs: Math.max(life.listeningMs + 1, ...life.filledMs), calls });
}

/** While the values of two providers of KMS v1 are in store, each has its handshake; who comes first depends on who reads what when. */
function countSecondHandshake(fleet: Fleet, life: Timeline, steps: readonly RotationStep[], counts: Reckoning): void {
  if (fleet.kms === "v2") return;
  const migrationMs = (fleet.secrets / fleet.migrationRate) * 1000;
  const pairs = steps.filter(({ kind, atMs }, at) => {
    const migrate = steps.slice(at).find((step) => step.kind === "migrate");
    return kind === "new-key" && atMs < life.endMs && (migrate === undefined || life.startMs < migrate.atMs + migrationMs);
  });
  counts.add("health probe", "Version", 0, pairs.length);
}

/** Of lives that are alike, by what they consist of. */
export type CheckMemo = Map<string, readonly CallCount[]>;

/** Polls and probes share their results, so they are followed one by one; most lives are as long as another one. */
function countChecks(
  fleet: Fleet,
  life: Timeline,
  newKeys: readonly number[],
  steps: readonly RotationStep[],
  counts: Reckoning,
  memo: CheckMemo,
): void {
  const within = (times: readonly number[]) => times.filter((ms) => ms > life.startMs && ms < life.endMs).map((ms) => ms - life.startMs);
  const reloads = within(steps.filter(({ kind }) => kind === "reload").map(({ atMs }) => atMs));
  const keys = within(newKeys);
  const lengthMs = life.endMs - life.startMs;
  const memoKey = `${Math.round(lengthMs * 1e6)} ${keys.join()} ${reloads.join()}`;
  let found = memo.get(memoKey);
  if (found === undefined) {
    const own = new Ledger();
    const add = (cause: Cause, method: PlanMethod) => own.add(cause, method);
    if (fleet.kms === "v2") checksOfV2(fleet, lengthMs, keys, add);
    else checksOfV1(fleet, lengthMs, [...keys, ...reloads], reloads, add);
    found = own.entries();
    memo.set(memoKey, found);
  }
  for (const { cause, method, calls } of found) counts.add(cause, method, calls);
}

/** The Status calls of a life, and the Encrypts of the new seeds that they bring; times count from the life's start. */
function checksOfV2(fleet: Fleet, lengthMs: number, keys: readonly number[], add: (cause: Cause, method: PlanMethod) => void): void {
  const latencyMs = meanLatencyMs(fleet);
  const statusMs = fleet.callsPerStatus * latencyMs;
  const loadedMs = statusMs + latencyMs;
  const probesMs = loadedMs + fleet.serverStart;
  let answeredMs = loadedMs;
  let keyAt = 0;
  for (let poll = 1, probe = 0; ; ) {
    const pollMs = loadedMs + poll * healthyPollMs;
    const probeMs = probesMs + probe * fleet.healthInterval;
    // Of a poll and a probe at one time the poll was scheduled first, unless the probe's interval is the longer one.
    const isProbe = probeMs < pollMs || (probeMs === pollMs && fleet.healthInterval > healthyPollMs);
    const atMs = isProbe ? probeMs : pollMs;
    if (atMs >= lengthMs) return;
    if (isProbe) probe++;
    else poll++;
    if (atMs - answeredMs < goodCheckTtlMs) continue;
    add(isProbe ? "health probe" : "status poll", "Status");
    // The plugin's answer is made when it is asked.
    const seen = keys.filter((ms) => ms <= atMs).length;
    answeredMs = atMs + statusMs;
    if (seen > keyAt) {
      keyAt = seen;
      if (answeredMs < lengthMs) add("rotation", "Encrypt");
      answeredMs += latencyMs;
    }
  }
}

/** The pairs of Encrypt and Decrypt of a life's health probes; a reload and another provider begin without a result. */
function checksOfV1(
  fleet: Fleet,
  lengthMs: number,
  fresh: readonly number[],
  reloads: readonly number[],
  add: (cause: Cause, method: PlanMethod) => void,
): void {
  const latencyMs = meanLatencyMs(fleet);
  const pair = (cause: Cause, atMs: number) => {
    add(cause, "Encrypt");
    if (atMs + latencyMs < lengthMs) add(cause, "Decrypt");
  };
  const beginnings = [...new Set(fresh)].sort((a, b) => a - b);
  let answeredMs = Number.NEGATIVE_INFINITY;
  let next = 0;
  const begin = (untilMs: number) => {
    for (let ms = beginnings[next]; ms !== undefined && ms <= untilMs; ms = beginnings[++next]) {
      answeredMs = Number.NEGATIVE_INFINITY;
      add("health probe", "Version");
      if (!reloads.includes(ms)) continue;
      pair("reload", ms);
      answeredMs = ms + 2 * latencyMs;
    }
  };
  for (let probe = 0; ; probe++) {
    const atMs = fleet.serverStart + probe * fleet.healthInterval;
    begin(Math.min(atMs, lengthMs));
    if (atMs >= lengthMs) return;
    if (atMs - answeredMs < goodCheckTtlMs) continue;
    pair("health probe", atMs);
    answeredMs = atMs + 2 * latencyMs;
  }
}

/** Every read that misses lengthens the check, and with it the time until the next one. */
function countConsistencyChecks(fleet: Fleet, life: Timeline, random: Random, counts: Reckoning, steps: readonly RotationStep[]): void {
  const { gates } = behaviourOf(fleet.kubernetes);
  if (consistencyCheckDelayMs(gates, 0) === undefined || fleet.kms === "v2") return;
  const latencyMs = meanLatencyMs(fleet);
  const total = objectsOf(fleet);
  const isChanging = fleet.writes > 0 || steps.some(({ atMs }) => atMs < life.endMs);
  const reloads = steps.filter(({ kind, atMs }) => kind === "reload" && atMs >= life.startMs && atMs < life.endMs).length;
  for (const [resource, size] of resourceSizes(fleet).entries()) {
    // A reload empties the caches, and the next check fills them unless something else does before it.
    counts.add("consistency check", "Decrypt", 0, reloads * size);
    const misses = missesOfScan(fleet.cachesize, size, total, isChanging);
    if (misses.max === 0) {
      // A check may come upon a value whose watch event is being decrypted.
      const underWay = fleet.apiServers === 1 ? 0 : Math.ceil((fleet.writes * latencyMs) / 1000);
      counts.add("consistency check", "Decrypt", 0, underWay * Math.ceil((life.endMs - life.startMs) / 300_000));
      continue;
    }
    const jitter = consistencyJitter(random, life.startMs, resource);
    let atMs = life.filledMs[resource] ?? 0;
    for (;;) {
      atMs += consistencyCheckDelayMs(gates, jitter.fraction()) ?? 0;
      if (atMs >= life.endMs) break;
      // A check that the life's end cuts short has made one call each latency, the last one maybe unanswered.
      const possible = latencyMs === 0 ? misses.max : Math.ceil((life.endMs - atMs) / latencyMs);
      counts.add("consistency check", "Decrypt", Math.min(misses.min, possible), Math.min(misses.max, possible));
      atMs += misses.max * latencyMs;
    }
  }
}

/** Decrypts of a scan over a resource, in the order in which it was scanned before (spec encryption-at-rest 1.3). */
function missesOfScan(cacheSize: number, size: number, total: number, isChanging: boolean): Range {
  if (cacheSize < 0) return { min: size, max: size };
  if (cacheSize >= 2 * total || (cacheSize >= total && !isChanging)) return { min: 0, max: 0 };
  if (size > cacheSize && size === total && !isChanging) return { min: size, max: size };
  return { min: size > cacheSize ? size - cacheSize : 0, max: size };
}

/** Who writes when: the servers take turns, and one that is not ready is passed over. */
class Writing {
  readonly stepMs: number;
  readonly #fleet: Fleet;
  readonly #lives: readonly Timeline[];
  readonly #steps: readonly RotationStep[];

  constructor(fleet: Fleet, lives: readonly Timeline[], steps: readonly RotationStep[]) {
    this.#fleet = fleet;
    this.#lives = lives;
    this.#steps = steps;
    this.stepMs = fleet.writes === 0 ? Number.POSITIVE_INFINITY : 1000 / fleet.writes;
  }

  /** The server that takes the turn at that time; undefined where none is ready. */
  writerAt(atMs: number, turn: number): number | undefined {
    const ready = new Set(this.#lives.filter((life) => life.readyMs < atMs && atMs < life.endMs).map(({ server }) => server));
    for (let at = 0; at < this.#fleet.apiServers; at++) {
      const server = (turn + at) % this.#fleet.apiServers;
      if (ready.has(server)) return server;
    }
    return undefined;
  }

  /** The Decrypts of a first list of KMS v2: exact while nothing was written since the sources took turns. */
  listCalls(size: number, life: Timeline, decoders: number): Range {
    const first = sourcesAtFirst(this.#fleet);
    const isUntouched =
      beatsWithin(this.stepMs, 0, life.listeningMs) === 0 &&
      !this.#steps.some(({ kind, atMs }) => kind === "migrate" && atMs < life.listeningMs);
    if (isUntouched) {
      const calls = listCallsV2(size, first, decoders);
      return { min: calls, max: calls };
    }
    const sources = this.sourcesAt(life.listeningMs);
    return { min: Math.min(size, sources.min), max: Math.min(size, sources.max * decoders) };
  }

  /**
   * Distinct DEK sources in store: those of the beginning that nothing has overwritten yet, and one for every life whose writes are among the last
   * that the objects saw (spec encryption-at-rest 7).
   */
  sourcesAt(atMs: number): Range {
    const { secrets, apiServers } = this.#fleet;
    const first = sourcesAtFirst(this.#fleet);
    const migrated = this.#steps.filter(({ kind, atMs: ms }) => kind === "migrate" && ms + this.#migrationMs() <= atMs).at(-1);
    const sinceMs = migrated === undefined ? 0 : migrated.atMs;
    const written = beatsWithin(this.stepMs, sinceMs, atMs);
    const untouched = migrated === undefined ? Math.min(first, Math.max(0, secrets - written)) : 0;
    const windowFromMs = Math.max(sinceMs, atMs - (written > secrets ? secrets : written + 1) * this.stepMs);
    const inWindow = this.#lives.filter(
      (life) => life.startMs < atMs && beatsWithin(this.stepMs, Math.max(life.readyMs, windowFromMs), Math.min(life.endMs, atMs)) > 0,
    ).length;
    const most = untouched + inWindow + (migrated === undefined ? 0 : 2 * apiServers) + first;
    return { min: Math.max(1, migrated === undefined ? untouched : 1), max: Math.min(objectsOf(this.#fleet), Math.max(1, most)) };
  }

  #migrationMs(): number {
    return (this.#fleet.secrets / this.#fleet.migrationRate) * 1000;
  }
}

/** Writes, and what the other servers make of them. */
function countWrites(fleet: Fleet, lives: readonly Timeline[], writing: Writing, counts: Reckoning): void {
  if (fleet.writes === 0) return;
  const { stepMs } = writing;
  const latencyMs = fleet.kms === "v1" ? meanLatencyMs(fleet) : 0;
  const { decoders } = behaviourOf(fleet.kubernetes);
  if (fleet.kms === "v2") {
    countFirstSights(fleet, lives, writing, decoders, counts);
    return;
  }
  const ready = readyIntervals(lives);
  const writtenWithin = (beginMs: number, endMs: number) =>
    ready.reduce((sum, [fromMs, toMs]) => sum + beatsWithin(stepMs, Math.max(fromMs, beginMs), Math.min(toMs, endMs)), 0);
  const written = writtenWithin(0, fleet.period);
  counts.add("write", "Encrypt", written);
  // A write reaches the watch caches when it is stored, one latency after it began.
  const seen = lives.reduce((sum, life) => sum + writtenWithin(life.listeningMs - latencyMs, life.endMs - latencyMs), 0);
  const lost = lives.reduce((sum, life) => sum + lostWrites(life, latencyMs, writing, fleet), 0);
  const own = fleet.cachesize < 0 ? 0 : written;
  const unseen = lostSights(lives, lost, fleet);
  counts.add("watch event", "Decrypt", seen - own + (fleet.cachesize < 0 ? 0 : lost) - unseen.max, seen - own + lost - unseen.min);
}

/** The writes that a server had begun and not stored when it was stopped. */
function lostWrites(life: Timeline, latencyMs: number, writing: Writing, { period }: Fleet): number {
  let lost = 0;
  const first = beatsBefore(writing.stepMs, Math.max(0, life.endMs - latencyMs));
  for (let at = first; beatMs(writing.stepMs, at) < Math.min(life.endMs, period); at++) {
    if (writing.writerAt(beatMs(writing.stepMs, at), at) === life.server) lost++;
  }
  return lost;
}

/** What is lost reaches no watch cache either. */
function lostSights(lives: readonly Timeline[], lost: number, { apiServers }: Fleet): Range {
  return lost === 0 ? { min: 0, max: 0 } : { min: 0, max: lost * Math.min(apiServers, lives.length) };
}

/** When at least one server is ready. */
function readyIntervals(lives: readonly Timeline[]): [fromMs: number, toMs: number][] {
  const intervals: [number, number][] = [];
  for (const { readyMs, endMs } of [...lives].sort((a, b) => a.readyMs - b.readyMs)) {
    if (readyMs >= endMs) continue;
    const last = intervals.at(-1);
    if (last === undefined || readyMs > last[1]) intervals.push([readyMs, endMs]);
    else last[1] = Math.max(last[1], endMs);
  }
  return intervals;
}

/** KMS v2: a server that sees another's seed for the first time asks once, or as often as it decodes at once. */
function countFirstSights(fleet: Fleet, lives: readonly Timeline[], writing: Writing, decoders: number, counts: Reckoning): void {
  const { stepMs } = writing;
  const latencyMs = meanLatencyMs(fleet);
  const turnsWithinLatency = Math.floor(latencyMs / (stepMs * fleet.apiServers));
  for (const life of lives) {
    // An event that comes while the first list runs may ask for what the list has asked for already.
    counts.add("watch event", "Decrypt", 0, beatsWithin(stepMs, life.listeningMs, Math.max(...life.filledMs) + latencyMs));
    const firstMs = firstWriteMs(life, writing, fleet);
    if (firstMs === undefined) continue;
    const others = lives.filter(({ server }) => server !== life.server);
    const sights = others.filter(({ listeningMs, endMs }) => listeningMs <= firstMs && firstMs < endMs).length;
    // A server that begins to listen later has the seed from its list, unless all that was sealed with it has been overwritten.
    const isKept = fleet.secrets >= 2 * fleet.apiServers;
    const later = isKept ? 0 : others.filter(({ listeningMs }) => listeningMs > firstMs && listeningMs < life.endMs).length;
    counts.add("watch event", "Decrypt", sights, (sights + later) * Math.min(decoders, 1 + turnsWithinLatency));
  }
}

function firstWriteMs(life: Timeline, writing: Writing, { apiServers, period }: Fleet): number | undefined {
  const { stepMs } = writing;
  const first = beatsBefore(stepMs, life.readyMs);
  for (let at = first; at < first + 2 * apiServers + 2; at++) {
    const ms = beatMs(stepMs, at);
    if (ms >= Math.min(life.endMs, period)) return undefined;
    if (writing.writerAt(ms, at) === life.server) return ms;
  }
  return undefined;
}

/** What the migrations cost beyond the new keys themselves. */
function countMigrations(
  fleet: Fleet,
  lives: readonly Timeline[],
  steps: readonly RotationStep[],
  counts: Reckoning,
  bursts: Burst[],
): void {
  const { secrets, migrationRate, cachesize, apiServers, kms, writes, period } = fleet;
  const { decoders } = behaviourOf(fleet.kubernetes);
  const stepMs = 1000 / migrationRate;
  for (const { kind, atMs } of steps) {
    if (kind !== "migrate" || atMs >= period) continue;
    const rewritten = Math.min(secrets, Math.ceil((period - atMs) / stepMs));
    if (kms === "v2") {
      // Each server's new seed is seen by the others once, in whichever stream it comes first; a life that begins meanwhile has one more.
      const during = lives.filter((life) => life.startMs < atMs + rewritten * stepMs && life.endMs > atMs).length;
      const pairs = during * (apiServers - 1);
      counts.add("migration", "Decrypt", 0, pairs * decoders);
      continue;
    }
    // What others write between the new key and its turn is not stale any more; and who restarts meanwhile misses events.
    const written = writes === 0 ? 0 : Math.ceil((writes * (migrationDelayMs + rewritten * stepMs)) / 1000) + 1;
    const atLeast = Math.max(0, rewritten - written);
    const isCalm = !lives.some(({ startMs, readyMs }) => startMs < atMs + rewritten * stepMs + 1000 && readyMs > atMs - migrationDelayMs);
    counts.add("migration", "Encrypt", atLeast, rewritten);
    const reread = rereads(cachesize, rewritten, objectsOf(fleet), fleet.reload);
    const peers = (cachesize < 0 ? apiServers : apiServers - 1) * rewritten;
    counts.add(
      "migration",
      "Decrypt",
      writes === 0 ? peers + reread.min : isCalm ? Math.max(0, peers - written * apiServers) : 0,
      peers + reread.max,
    );
    bursts.push({ cause: "migration", fromMs: atMs, toMs: atMs + rewritten * stepMs, calls: rewritten + peers + reread.max });
  }
}

/** Stored values that a migration has to decrypt again before it rewrites them. */
function rereads(cacheSize: number, rewritten: number, total: number, isReloaded: boolean): Range {
  if (cacheSize < 0) return { min: rewritten, max: rewritten };
  if (cacheSize >= 2 * total && !isReloaded) return { min: 0, max: 0 };
  return { min: 0, max: rewritten };
}

/** Reads that hit no cache: of KMS v1 the share of Secrets that it does not hold, where all are read alike. */
function countReads(fleet: Fleet, counts: Reckoning): void {
  const { reads, lists, secrets, cachesize, kms, period } = fleet;
  if (kms === "v2") return;
  const seconds = period / 1000;
  const share = cachesize < 0 ? 1 : Math.max(0, 1 - cachesize / objectsOf(fleet));
  const expected = Math.round(reads * seconds * share);
  counts.add("cold read", "Decrypt", share === 1 || share === 0 ? expected : Math.floor(expected * 0.9), Math.ceil(expected * 1.1));
  if (behaviourOf(fleet.kubernetes).listsFromCache || share === 0) return;
  counts.add("cold read", "Decrypt", Math.floor(lists * seconds * secrets * share), Math.ceil(lists * seconds * secrets));
}

/** The time from a restart until readyz, milliseconds, of servers that do not stand in each other's way. */
export function readyMsOf(fleet: Fleet): number {
  return timelineOf(fleet, { server: 0, startMs: 0, endMs: Number.POSITIVE_INFINITY }).readyMs;
}
