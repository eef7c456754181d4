import { systemClock as clock } from "../harness/clock.ts";
import { messageOf } from "../harness/errors.ts";
import type { TapRecord } from "../harness/kms/tap-record.ts";
import { behaviourOf } from "../harness/plan/behaviour.ts";
import { type Fleet, parseFleet } from "../harness/plan/fleet.ts";
import { Simulation } from "../harness/plan/simulation.ts";
import { startOf } from "../harness/plan/starts.ts";
import { defaultVersions } from "../harness/target/install/index.ts";
import { median } from "./peers/ratio-table.ts";
import { inFlight, Stage, type StageOptions } from "./plan-stage.ts";

/** What a start takes on this machine with nothing to decrypt, which no plan can know. */
export interface Calibration {
  readonly serverStartMs: number;
  readonly listStartMs: number;
  /** Of one Secret more, where no KMS is asked for it. */
  readonly objectMs: number;
  /** Of one call of the KMS, besides what the tap sees of it. */
  readonly callMs: number;
}

/** One figure of a scenario, predicted and measured. */
export interface Comparison {
  readonly what: string;
  readonly unit: "calls" | "ms";
  readonly predicted: { readonly min: number; readonly max: number };
  readonly measured: number;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** With what the machine is calibrated for it. */
  readonly kms: "v1" | "v2";
  readonly apiServers: number;
  run(parts: { readonly stage: StageParts; readonly calibration: Calibration; readonly scale: number }): Promise<Comparison[]>;
}

type StageParts = Pick<StageOptions, "lease" | "signal">;

/** A duration agrees within this share. */
const tolerance = 0.2;

/** True where the measured figure lies in what was predicted. */
export function holds({ unit, predicted, measured }: Comparison): boolean {
  const slack = unit === "ms" ? tolerance : 0;
  return measured >= predicted.min * (1 - slack) && measured <= predicted.max * (1 + slack);
}

interface RestartOptions {
  readonly kms: "v1" | "v2";
  readonly secrets: number;
  readonly apiServers: number;
  readonly cachesize?: number;
  readonly latencyMs: number;
  readonly quota?: number;
  readonly isSerial?: boolean;
}

/** Fills a cluster, stops all its API servers, and starts them at once. */
function restart(id: string, title: string, options: RestartOptions): Scenario {
  const { kms, apiServers, cachesize = 1000, latencyMs, quota, isSerial = false } = options;
  return {
    id,
    title,
    kms,
    apiServers,
    async run({ stage: parts, calibration, scale }) {
      const secrets = scaled(options.secrets, scale);
      await using stage = await Stage.open({ ...parts, kms, apiServers, cachesize, isSerial });
      await stage.start();
      await stage.fill(secrets);
      stage.latencyMs = latencyMs;
      stage.quota = quota;
      const { tookMs, calls } = await medianRestart(stage);
      const fleet = fleetOf({
        kms,
        secrets,
        apiServers,
        cachesize,
        calibration,
        quota,
        isSerial,
        latencyMs: quota === undefined ? meanMs(calls, latencyMs) : latencyMs,
      });
      const { ready, calls: predicted } = startOf(fleet, "", apiServers, "validate");
      return [
        { what: "Encrypt and Decrypt", unit: "calls", predicted, measured: count(calls, "Encrypt") + count(calls, "Decrypt") },
        ...(kms === "v1"
          ? [
              {
                what: "Version",
                unit: "calls",
                predicted: { min: apiServers, max: apiServers },
                measured: count(calls, "Version"),
              } as const,
            ]
          : []),
        { what: "until ready", unit: "ms", predicted: { min: ready?.lowMs ?? 0, max: ready?.highMs ?? 0 }, measured: tookMs },
      ];
    },
  };
}

/** A start that takes so long is long against what a machine makes of starts by chance, and is not repeated. */
const longStartMs = 8000;
const restarts = 3;

/** The restart of the median length. */
async function medianRestart(stage: Stage): Promise<{ readonly tookMs: number; readonly calls: readonly TapRecord[] }> {
  const seen: { readonly tookMs: number; readonly calls: readonly TapRecord[] }[] = [];
  do {
    await stage.stop();
    await stage.calls();
    const tookMs = await stage.start();
    seen.push({ tookMs, calls: await stage.calls() });
    if (tookMs > longStartMs) break;
  } while (seen.length < restarts);
  const sorted = seen.toSorted((a, b) => a.tookMs - b.tookMs);
  return sorted[Math.floor(sorted.length / 2)] ?? { tookMs: 0, calls: [] };
}

/** Writes and reads on a cluster that runs, and what they make of each other's values. */
function load(
  id: string,
  title: string,
  options: { readonly kms: "v1" | "v2"; readonly secrets: number; readonly apiServers: number; readonly cachesize: number },
): Scenario {
  const { kms, apiServers, cachesize } = options;
  return {
    id,
    title,
    kms,
    apiServers,
    async run({ stage: parts, scale, calibration }) {
      const secrets = scaled(options.secrets, scale);
      // What is written at once must fit, or a write's own watch event misses its DEK.
      const cache = cachesize < options.secrets ? Math.max(2 * inFlight, scaled(cachesize, scale)) : cachesize;
      await using stage = await Stage.open({ ...parts, kms, apiServers, cachesize: cache });
      await stage.start();
      await stage.calls();
      const bodies = await stage.fill(secrets);
      await quiet();
      const writes = await stage.calls();
      await stage.each(bodies, (client, { namespace, name }) => client.getSecret(namespace, name));
      const reads = await stage.calls();
      const fleet = fleetOf({ kms, secrets, apiServers, cachesize: cache, calibration, latencyMs: 0, quota: undefined, isSerial: false });
      const played = playWrites(fleet);
      const misses = missesOf(fleet);
      return [
        { what: "Encrypt for writes", unit: "calls", predicted: played.encrypts, measured: count(writes, "Encrypt") },
        { what: "Decrypt for watch events", unit: "calls", predicted: played.decrypts, measured: count(writes, "Decrypt") },
        { what: "Decrypt for reads", unit: "calls", predicted: misses, measured: count(reads, "Decrypt") },
      ];
    },
  };
}

/** KMS v2: another key, and then every Secret rewritten. */
const rotationV2: Scenario = {
  id: "v2-rotation",
  title: "v2: a new key and a migration of 500 Secrets, 1 API server",
  kms: "v2",
  apiServers: 1,
  async run({ stage: parts, scale }) {
    const secrets = scaled(500, scale);
    await using stage = await Stage.open({ ...parts, kms: "v2", apiServers: 1, cachesize: 1000 });
    await stage.start();
    const bodies = await stage.fill(secrets);
    await stage.calls();
    stage.kms.keyId = "key-2";
    const startMs = clock.monotonicMs();
    const seen: TapRecord[] = [];
    // The API server asks by itself once a minute; a probe of readyz makes it ask after 20 s.
    while (!seen.some(({ method }) => method === "Encrypt") && clock.monotonicMs() - startMs < 70_000) {
      await clock.sleep(1000, parts.signal);
      await stage.clients[0]?.readyz(parts.signal);
      seen.push(...(await stage.calls()));
    }
    const seenMs = clock.monotonicMs() - startMs;
    await stage.each(bodies, (client, { namespace, name }) => client.replaceUnchanged(namespace, name));
    await quiet();
    const migration = await stage.calls();
    return [
      { what: "Encrypt for the new seed", unit: "calls", predicted: { min: 1, max: 1 }, measured: count(seen, "Encrypt") },
      { what: "until the new key is seen", unit: "ms", predicted: { min: 0, max: 21_000 }, measured: seenMs },
      {
        what: "Encrypt and Decrypt for the migration",
        unit: "calls",
        predicted: { min: 0, max: 0 },
        measured: count(migration, "Encrypt") + count(migration, "Decrypt"),
      },
    ];
  },
};

/** KMS v1: another provider first, and then every Secret rewritten. */
const rotationV1: Scenario = {
  id: "v1-rotation",
  title: "v1: a new provider in front and a migration of 500 Secrets, 1 API server",
  kms: "v1",
  apiServers: 1,
  async run({ stage: parts, scale }) {
    const secrets = scaled(500, scale);
    await using stage = await Stage.open({ ...parts, kms: "v1", apiServers: 1, cachesize: 2000 });
    await stage.start();
    const bodies = await stage.fill(secrets);
    await stage.stop();
    await stage.calls();
    await stage.start(stage.configuration(["second", "kmsmark"]));
    const start = await stage.calls();
    await stage.each(bodies, (client, { namespace, name }) => client.replaceUnchanged(namespace, name));
    await quiet();
    const migration = await stage.calls();
    return [
      { what: "Decrypt for the start", unit: "calls", predicted: { min: secrets, max: secrets }, measured: count(start, "Decrypt") },
      {
        what: "Encrypt for the migration",
        unit: "calls",
        predicted: { min: secrets, max: secrets },
        measured: count(migration, "Encrypt"),
      },
      { what: "Decrypt for the migration", unit: "calls", predicted: { min: 0, max: 0 }, measured: count(migration, "Decrypt") },
    ];
  },
};

/** A configuration that changes under an API server that reloads it. */
const reload: Scenario = {
  id: "v2-reload",
  title: "v2: the configuration changes under an API server that reloads it",
  kms: "v2",
  apiServers: 1,
  async run({ stage: parts }) {
    await using stage = await Stage.open({ ...parts, kms: "v2", apiServers: 1, cachesize: 1000, reload: true });
    await stage.start();
    await stage.fill(50);
    await stage.calls();
    // The provider stays and another one stands behind it, which has a start of its own.
    await stage.configure(stage.configuration(["kmsmark", "second"]));
    const startMs = clock.monotonicMs();
    const seen: TapRecord[] = [];
    while (count(seen, "Encrypt") === 0 && clock.monotonicMs() - startMs < 90_000) {
      await clock.sleep(500, parts.signal);
      seen.push(...(await stage.calls()));
    }
    const seenMs = clock.monotonicMs() - startMs;
    await clock.sleep(3000, parts.signal);
    seen.push(...(await stage.calls()));
    return [
      { what: "Encrypt for two providers", unit: "calls", predicted: { min: 2, max: 2 }, measured: count(seen, "Encrypt") },
      { what: "until the change is taken", unit: "ms", predicted: { min: 0, max: 60_000 }, measured: seenMs },
    ];
  },
};

/** The KMS goes away under KMS v1: writes fail with it, what is cached is read. */
const absentV1: Scenario = {
  id: "v1-absent",
  title: "v1: the KMS goes away",
  kms: "v1",
  apiServers: 1,
  async run({ stage: parts }) {
    await using stage = await Stage.open({ ...parts, kms: "v1", apiServers: 1, cachesize: 1000 });
    await stage.start();
    const bodies = await stage.fill(50);
    stage.isAbsent = true;
    const reads = await failures(stage, bodies, "read");
    const writes = await failures(stage, bodies, "write");
    return [
      { what: "writes of 50 that fail", unit: "calls", predicted: { min: 50, max: 50 }, measured: writes },
      { what: "reads of 50 that fail", unit: "calls", predicted: { min: 0, max: 0 }, measured: reads },
    ];
  },
};

/** The KMS goes away under KMS v2, Status with it: writes go on until the seed expires, and come back soon after the KMS. */
const absentV2: Scenario = {
  id: "v2-absent",
  title: "v2: the KMS and Status with it go away until writes fail, and come back",
  kms: "v2",
  apiServers: 1,
  async run({ stage: parts }) {
    await using stage = await Stage.open({ ...parts, kms: "v2", apiServers: 1, cachesize: 1000 });
    await stage.start();
    const bodies = await stage.fill(50);
    stage.isAbsent = true;
    const startMs = clock.monotonicMs();
    let failedMs: number | undefined;
    while (failedMs === undefined && clock.monotonicMs() - startMs < 200_000) {
      await clock.sleep(1000, parts.signal);
      if ((await failures(stage, bodies.slice(0, 1), "write")) > 0) failedMs = clock.monotonicMs() - startMs;
    }
    const reads = await failures(stage, bodies, "read");
    stage.isAbsent = false;
    const backMs = clock.monotonicMs();
    while ((await failures(stage, bodies.slice(0, 1), "write")) > 0 && clock.monotonicMs() - backMs < 60_000)
      await clock.sleep(500, parts.signal);
    return [
      { what: "until writes fail", unit: "ms", predicted: { min: 120_000, max: 181_000 }, measured: failedMs ?? Number.POSITIVE_INFINITY },
      { what: "reads of 50 that fail meanwhile", unit: "calls", predicted: { min: 0, max: 0 }, measured: reads },
      { what: "until writes succeed again", unit: "ms", predicted: { min: 0, max: 10_500 }, measured: clock.monotonicMs() - backMs },
    ];
  },
};

/** All of them; the ids never change. */
export const scenarios: readonly Scenario[] = [
  restart("v2-50-restart", "v2, 50 Secrets: restart of 1 API server", { kms: "v2", secrets: 50, apiServers: 1, latencyMs: 50 }),
  restart("v2-5000-restart", "v2, 5,000 Secrets: restart of 1 API server", { kms: "v2", secrets: 5000, apiServers: 1, latencyMs: 50 }),
  restart("v2-500-restart-3", "v2, 500 Secrets: restart of 3 API servers at once", {
    kms: "v2",
    secrets: 500,
    apiServers: 3,
    latencyMs: 50,
  }),
  restart("v1-50-restart", "v1, 50 Secrets: restart of 1 API server", { kms: "v1", secrets: 50, apiServers: 1, latencyMs: 20 }),
  restart("v1-5000-restart", "v1, 5,000 Secrets, cachesize 1,000: restart of 1 API server", {
    kms: "v1",
    secrets: 5000,
    apiServers: 1,
    latencyMs: 20,
  }),
  restart("v1-500-restart-3", "v1, 500 Secrets: restart of 3 API servers at once", {
    kms: "v1",
    secrets: 500,
    apiServers: 3,
    latencyMs: 100,
  }),
  restart("v1-200-serial", "v1, 200 Secrets, decoded one at a time as up to v1.36: restart of 1 API server", {
    kms: "v1",
    secrets: 200,
    apiServers: 1,
    latencyMs: 20,
    isSerial: true,
  }),
  restart("v1-500-throttled", "v1, 500 Secrets, a KMS that grants 100 calls a second: restart of 1 API server", {
    kms: "v1",
    secrets: 500,
    apiServers: 1,
    latencyMs: 20,
    quota: 100,
  }),
  restart("v1-200-slow", "v1, 200 Secrets, a KMS that takes 300 ms: restart of 1 API server", {
    kms: "v1",
    secrets: 200,
    apiServers: 1,
    latencyMs: 300,
  }),
  load("v1-500-load", "v1, 500 Secrets, cachesize 1,000: writes and reads, 1 API server", {
    kms: "v1",
    secrets: 500,
    apiServers: 1,
    cachesize: 1000,
  }),
  load("v1-500-load-over", "v1, 500 Secrets, cachesize 50: writes and reads, 1 API server", {
    kms: "v1",
    secrets: 500,
    apiServers: 1,
    cachesize: 50,
  }),
  load("v1-500-load-3", "v1, 500 Secrets, cachesize 2,000: writes and reads, 3 API servers", {
    kms: "v1",
    secrets: 500,
    apiServers: 3,
    cachesize: 2000,
  }),
  load("v2-500-load-3", "v2, 500 Secrets: writes and reads, 3 API servers", { kms: "v2", secrets: 500, apiServers: 3, cachesize: 1000 }),
  rotationV2,
  rotationV1,
  reload,
  absentV1,
  absentV2,
];

/**
 * With so many Secrets, shared among the API servers, the list is what a start ends with. Not many more than the scenarios have: the rest of the
 * start slows the beginning of the list down, which counts less the longer the list is.
 */
const manySecrets = { v1: 4000, v2: 6000 } as const;
/** What the KMS takes meanwhile, so that neither it nor the tap is what a start waits for; under KMS v2 it has no part in how long many take. */
const manyLatencyMs = 10;
/** Starts vary by chance, and every prediction rests on these. */
const calibrationRounds = 5;
/** Less than this a start takes by chance. */
const noticeableMs = 150;

/** What the machine itself takes for a start: with one Secret and a KMS that answers at once, and with many. */
export async function calibrate(
  stage: StageParts,
  { kms, apiServers, scale }: Pick<Scenario, "kms" | "apiServers"> & { readonly scale: number },
): Promise<Calibration> {
  const few = await starts(stage, { kms, apiServers, secrets: 1, latencyMs: 0 });
  const secrets = scaled(manySecrets[kms] / apiServers, scale);
  const many = await starts(stage, { kms, apiServers, secrets, latencyMs: manyLatencyMs });
  // Where the list is the last thing to end, it took all the time since it began.
  const listedMs = many.readyMs > few.readyMs + noticeableMs ? many.readyMs - few.listMs : 0;
  const calls = secrets / behaviourOf(defaultVersions.kubernetesVersion).decoders;
  return {
    serverStartMs: few.readyMs,
    listStartMs: few.listMs,
    objectMs: kms === "v2" ? listedMs / secrets : 0,
    // KMS v1 asks for each, several at once: its own share is a part of every call, and no Secret has one besides.
    callMs: kms === "v1" ? Math.max(0, listedMs / calls - many.decryptMs) : 0,
  };
}

/** Medians over some starts. */
interface Starts {
  readonly readyMs: number;
  /** When the API servers began to decrypt: the last of them with KMS v2, the first with KMS v1. */
  readonly listMs: number;
  /** What a Decrypt took at the tap, on average. */
  readonly decryptMs: number;
}

async function starts(
  stage: StageParts,
  { kms, apiServers, secrets, latencyMs }: Pick<Scenario, "kms" | "apiServers"> & { readonly secrets: number; readonly latencyMs: number },
): Promise<Starts> {
  await using open = await Stage.open({ ...stage, kms, apiServers, cachesize: 1000 });
  await open.start();
  await open.fill(secrets);
  open.latencyMs = latencyMs;
  const seen: Starts[] = [];
  for (let round = 0; round < calibrationRounds; round++) {
    await open.stop();
    await open.calls();
    const beginMs = clock.wallMs();
    const readyMs = await open.start();
    const decrypts = (await open.calls()).filter(({ method, purpose }) => method === "Decrypt" && purpose === "work");
    const begunMs = decrypts.map(({ startMs }) => open.tap.startedWallMs + startMs - beginMs);
    // KMS v1 decrypts for as long as it lists: when the first of the servers began is what can be told.
    const listMs = kms === "v2" ? Math.max(...begunMs) : Math.min(...begunMs);
    seen.push({ readyMs, listMs, decryptMs: meanMs(decrypts, latencyMs) });
  }
  const middle = (of: (start: Starts) => number) => median(seen.map(of));
  return {
    readyMs: middle(({ readyMs }) => readyMs),
    listMs: middle(({ listMs }) => listMs),
    decryptMs: middle(({ decryptMs }) => decryptMs),
  };
}

function fleetOf(options: {
  readonly kms: "v1" | "v2";
  readonly secrets: number;
  readonly apiServers: number;
  readonly cachesize: number;
  readonly latencyMs: number;
  readonly quota: number | undefined;
  readonly isSerial: boolean;
  readonly calibration: Calibration;
}): Fleet {
  const { kms, secrets, apiServers, cachesize, latencyMs, quota, isSerial, calibration } = options;
  const described = {
    kms,
    secrets,
    apiServers,
    cachesize,
    kubernetes: isSerial ? "v1.36.0" : "v1.37.2",
    kmsLatency: `${(latencyMs + calibration.callMs).toFixed(2)}ms`,
    serverStart: `${Math.round(calibration.serverStartMs)}ms`,
    listStart: `${Math.round(calibration.listStartMs)}ms`,
    objectTime: `${calibration.objectMs.toFixed(3)}ms`,
    ...(quota === undefined ? {} : { quota }),
    ...(kms === "v2" ? { dekSources: Math.min(secrets, apiServers) } : {}),
  };
  return parseFleet(described, (field) => field);
}

/** Writes on servers that are ready: what is encrypted, and what the others decrypt; KMS v2 up to as often as events are decoded at once. */
function playWrites(fleet: Fleet): { readonly encrypts: Comparison["predicted"]; readonly decrypts: Comparison["predicted"] } {
  const simulation = new Simulation({ fleet, seed: "validate" });
  const [cluster] = simulation.clusters;
  for (const server of simulation.servers) server.start();
  simulation.queue.run(600_000, () => simulation.servers.every(({ isReady }) => isReady));
  const fromMs = simulation.queue.nowMs;
  for (let at = 0; at < fleet.secrets; at++) simulation.queue.at(fromMs + at * 10, () => cluster?.write(at, "write", at));
  simulation.queue.run(fromMs + fleet.secrets * 10 + 1000);
  const encrypts = simulation.ledger.count("write", "Encrypt");
  const decrypts = simulation.ledger.count("watch event", "Decrypt");
  const { decoders } = behaviourOf(fleet.kubernetes);
  return {
    encrypts: { min: encrypts, max: encrypts },
    decrypts: { min: decrypts, max: fleet.kms === "v2" ? decrypts * decoders : decrypts },
  };
}

/** Decrypts of a read of everything in the order in which it was written. */
function missesOf({ kms, cachesize, secrets }: Fleet): Comparison["predicted"] {
  const misses = kms === "v2" || cachesize >= secrets ? 0 : secrets;
  return { min: misses, max: misses };
}

async function failures(stage: Stage, bodies: Awaited<ReturnType<Stage["fill"]>>, what: "read" | "write"): Promise<number> {
  let failed = 0;
  const [client] = stage.clients;
  for (const body of bodies) {
    const answer =
      what === "read"
        ? await client?.getSecret(body.namespace, body.name)
        : await client?.updateSecret({ ...body, body: changed(body.body) });
    if (answer?.failure !== undefined) failed++;
  }
  return failed;
}

let changes = 0;

/** The same Secret with another label, so that an update writes. */
function changed(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString();
  return Buffer.from(text.replace('"metadata":{', `"metadata":{"annotations":{"kmsmark/change":"${++changes}"},`));
}

/** Calls that did work. */
function count(calls: readonly TapRecord[], method: TapRecord["method"]): number {
  return calls.filter((call) => call.method === method && call.purpose === "work").length;
}

/** What the tap saw of the KMS's latency. */
function meanMs(calls: readonly TapRecord[], otherwiseMs: number): number {
  const timed = calls.filter(({ method }) => method === "Decrypt" || method === "Encrypt");
  return timed.length === 0 ? otherwiseMs : timed.reduce((sum, { durationMs }) => sum + durationMs, 0) / timed.length;
}

function scaled(value: number, scale: number): number {
  return Math.max(1, Math.round(value * scale));
}

/** Watch events follow a write within moments. */
function quiet(): Promise<void> {
  return clock.sleep(1500);
}

/** In words, for a scenario that could not be played. */
export function whyNot(thrown: unknown): string {
  return messageOf(thrown).split("\n")[0] ?? "";
}
