import { encodeSecret } from "../../harness/load/secret-spec.ts";
import { goodCheckTtlMs, healthyPollMs } from "../../harness/model/index.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import type { Bench, Benchmark, BenchOptions } from "./benchmark.ts";
import { play } from "./play.ts";
import { configurationFor } from "./provider-configuration.ts";
import { cannotRotate, type Scene, type StoredSecrets, storedKeyId, storedSecrets } from "./scene.ts";
import { OutcomeLog, sendEach } from "./scene-load.ts";
import type { SceneLog, Tell } from "./scene-log.ts";
import { changeSecrets, createSecrets, indexesOf, type KmsProvider, kmsProvidersOf } from "./scene-secrets.ts";
import { perSecond, seconds } from "./scene-words.ts";

/** How often a write is tried to see which key it uses, ms. */
const probeEveryMs = 250;
/** A Status so long ago is a new one, ms. */
const justAskedMs = 2000;
/** A healthy API server asks for the Status every 60 s (spec encryption-at-rest 2.5); something for a busy machine, ms. */
const noticeMsMax = 75_000;
/** How late a machine may be that has other things to do, seconds. */
const lateSecondsMax = 15;

/** A Secret beside the population, whose writes show the key. */
const probe = { namespace: "default", name: "kmsmark-rotation", type: "Opaque" } as const;

const healthTraffic = ["not asked", "asked each second"] as const;
type HealthTraffic = (typeof healthTraffic)[number];

/** What a cell shows. */
interface Rotated {
  readonly health: HealthTraffic;
  /** Until the first write under the new key, ms. */
  readonly noticeMs: number;
  readonly oldWrites: number;
  readonly before: StoredSecrets;
  readonly after: StoredSecrets;
  readonly stale: number;
  readonly staleLeft: number;
  readonly replacedPerSecond: string;
  readonly patchedPerSecond: string;
}

export const rotation = {
  id: "rotation",
  measures: "control-plane",
  question:
    "How long after a change of the key does the API server write under the new one, and how fast is what lies under the old one rewritten?",
  knownBefore:
    "Nobody publishes the time from a key's rotation to the first write under it; of rewriting there are the 5, 50 and 70 objects a second of k3s-io/k3s#10581 and #11437.",
  takes: "2 min: the API server looks at the key once in 60 s, or in 20 s where its health is asked for",
  needs: "a control plane of kmsmark's own, and the bundled plugin with the provider local, whose key kmsmark rotates",
  requires: ["configure", "store", "tap"],
  metrics: {
    phases: ["notice", "migrate-replace", "migrate-patch", "migrate-again", "after"],
    figures: ["firstWriteMs", "oldKeyWriteCount", "staleCountBefore", "staleCountAfter", "dekSourceCount", "rewrittenCount"],
    parameters: ["health"],
  },
  understands: ["secrets", "providers", "cachesize"],
  defaults: { secrets: [100], providers: ["kms-v2", "kms-v1"] },
  async run(bench: Bench) {
    const { options } = bench;
    requireOwnKey(bench);
    for (const { provider, secrets } of kmsProvidersOf(options)) {
      const shown: Rotated[] = [];
      const healths = provider === "kms-v2" ? healthTraffic : ([healthTraffic[0]] as const);
      for (const health of healths) {
        await play(bench, { isTimed: false }, async (scene, log) => {
          const rotated = await measure(bench, scene, log, { provider, secrets, health });
          if (!log.isForecast && rotated !== undefined) shown.push(rotated);
        });
      }
      if (shown.length > 0) bench.journal.append({ event: "finding", finding: { benchmark: rotation.id, text: findingOf(shown) } });
    }
  },
} satisfies Benchmark;

/** @throws UsageError `cannot-rotate` where the plugin's key is not kmsmark's to change; the model has a plugin of its own */
export function requireOwnKey({
  options,
  target,
}: {
  readonly options: Pick<BenchOptions, "pluginSocket" | "bundledProvider">;
  readonly target: { readonly kind: string };
}): void {
  const isOurs = options.pluginSocket === undefined && options.bundledProvider.name === "local";
  if (!isOurs && target.kind !== "embedded") throw cannotRotate();
}

interface CellOptions {
  readonly provider: KmsProvider;
  readonly secrets: number;
  readonly health: HealthTraffic;
}

async function measure(bench: Bench, scene: Scene, log: SceneLog, cell: CellOptions): Promise<Rotated | undefined> {
  const { options, signal } = bench;
  const { provider, health } = cell;
  const { encryption } = configurationFor(provider, { kmsSocket: scene.kmsSocket, cacheSize: options.cacheSize });
  await using plane = await scene.start(encryption);
  await log.attend(plane);
  const secrets = await createSecrets(log, { secrets: cell.secrets, seed: options.seed });
  // A second DEK source, as any restart makes one.
  await log.restartQuietly();
  const half = Math.floor(secrets.count / 2);
  await changeSecrets(log, secrets, { indexes: indexesOf(secrets).slice(0, half), generation: 1 });
  await log.client.createSecret(encodeSecret({ ...probe, data: new Map([["write", Buffer.from("0")]]) }));
  const before = await storedSecrets(plane, signal);

  let rotated: Rotated | undefined;
  await log.cell({ benchmark: rotation.id, provider, secrets: secrets.count, parameters: { health }, round: 1 }, async () => {
    if (provider === "kms-v1") {
      await scene.rotateKey();
      // The new key's first use is the plugin's own affair: nothing in a stored value tells.
      const { rewritten, phase } = await migrate({ bench, scene, log, plane }, "replace", indexesOf(secrets), secrets);
      log.finding(
        `KMS v1, ${secrets.count} Secrets: a change of the key at the plugin makes nothing stale; getting and replacing all of them (${perSecond(phase)}) rewrote ${rewritten}. What still lies under the old key only the plugin can tell.`,
      );
      return;
    }
    const notice = await notices(bench, scene, log, { plane, health });
    const stale = await storedSecrets(plane, signal);
    const newKeyId = await storedKeyId(plane, keyOf(plane, probe), signal);
    const staleCount = (of: StoredSecrets) => of.count - (of.byKeyId.get(newKeyId ?? "") ?? 0);
    const replaced = await migrate({ bench, scene, log, plane }, "replace", indexesOf(secrets).slice(0, half), secrets);
    const patched = await migrate({ bench, scene, log, plane }, "patch", indexesOf(secrets).slice(half), secrets);
    await migrate({ bench, scene, log, plane }, "again", indexesOf(secrets), secrets);
    const after = await storedSecrets(plane, signal);
    await log.phase({ name: "after", expectedMs: 100 }, async () => ({
      figures: { staleCountBefore: staleCount(stale), staleCountAfter: staleCount(after), dekSourceCount: after.dekSources },
      claims: () => [
        { what: "Secrets stale before the migration", value: staleCount(stale) },
        { what: "Secrets stale after it", value: staleCount(after) },
        { what: "DEK sources after it", value: after.dekSources },
      ],
    }));
    rotated = {
      ...{ health, noticeMs: notice.durationMs, oldWrites: notice.oldWrites, before, after },
      ...{ stale: staleCount(stale), staleLeft: staleCount(after) },
      ...{ replacedPerSecond: perSecond(replaced.phase), patchedPerSecond: perSecond(patched.phase) },
    };
  });
  return rotated;
}

/** Changes the key, and writes until a value lies under the new one. */
async function notices(
  { signal }: Bench,
  scene: Scene,
  log: SceneLog,
  { plane, health }: { readonly plane: ControlPlane; readonly health: HealthTraffic },
): Promise<{ readonly durationMs: number; readonly oldWrites: number }> {
  let noticed = { durationMs: 0, oldWrites: 0 };
  await log.phase({ name: "notice", expectedMs: health === "not asked" ? 60_000 : 20_000 }, async (tell) => {
    const { clock } = scene;
    const key = keyOf(plane, probe);
    const oldKeyId = await storedKeyId(plane, key, signal);
    if (health === "asked each second") await untilJustAsked(scene, log, signal);
    const since = await log.sinceStatusMs();
    const beganMs = clock.monotonicMs();
    await scene.rotateKey();
    const changedMs = clock.monotonicMs();
    const outcomes = new OutcomeLog(clock);
    let askedMs = Number.NEGATIVE_INFINITY;
    for (let writes = 1; ; writes++) {
      const now = clock.monotonicMs() - changedMs;
      if (health === "asked each second" && now - askedMs >= 1000) {
        askedMs = now;
        await log.client.readyz(signal);
      }
      const spec = { ...probe, data: new Map([["write", Buffer.from(String(writes))]]) };
      await outcomes.send(() => log.client.updateSecret(encodeSecret(spec), signal));
      const keyId = await storedKeyId(plane, key, signal);
      noticed = { durationMs: clock.monotonicMs() - changedMs, oldWrites: writes - 1 };
      if (keyId !== oldKeyId || noticed.durationMs > noticeMsMax) break;
      tell({ done: 0, awaited: waitedFor(noticed.durationMs, health) });
      await scene.pass(probeEveryMs);
    }
    return {
      ...outcomes.facts(),
      durationMs: noticed.durationMs,
      figures: { firstWriteMs: noticed.durationMs, oldKeyWriteCount: noticed.oldWrites },
      claims: (tally) => [
        { what: "Encrypt calls", value: tally.work("Encrypt") },
        { what: "Decrypt calls", value: tally.work("Decrypt") },
        {
          // When the change falls into the poll's minute is chance; that the minute is kept is not.
          what: "seconds from the Status that counts to the first write under the new key",
          value: Math.round((since[health === "not asked" ? "first" : "last"] + changedMs - beganMs + noticed.durationMs) / 1000),
          allowed: (model) => {
            const least = health === "not asked" ? model * minuteOf(since) : model;
            return [least - 1, least + lateSecondsMax];
          },
        },
      ],
    };
  });
  return noticed;
}

/**
 * At which minute since the first Status the next one is due. The minutes are counted from there, whatever was asked for meanwhile; but one
 * that comes within 20 s of another Status is answered from that (spec encryption-at-rest 2.5).
 */
function minuteOf({ first, last }: { readonly first: number; readonly last: number }): number {
  const next = Math.max(1, Math.ceil(first / healthyPollMs));
  return last + next * healthyPollMs - first < goodCheckTtlMs ? next + 1 : next;
}

/** Asks for the health until that has just led to a Status: a change then goes unnoticed for the longest. */
async function untilJustAsked(scene: Scene, log: SceneLog, signal: AbortSignal): Promise<void> {
  while ((await log.sinceStatusMs()).last > justAskedMs) {
    await log.client.readyz(signal);
    if ((await log.sinceStatusMs()).last > justAskedMs) await scene.pass(probeEveryMs);
  }
}

function waitedFor(sinceMs: number, health: HealthTraffic): string {
  const left = Math.max(0, Math.ceil(((health === "not asked" ? 60_000 : 20_000) - sinceMs) / 1000));
  return `the API server looks at the key within ${left} s`;
}

type Way = "replace" | "patch" | "again";

interface Place {
  readonly bench: Bench;
  readonly scene: Scene;
  readonly log: SceneLog;
  readonly plane: ControlPlane;
}

/** Rewrites Secrets that nobody changes, one after the other as kubectl does, and counts those that the API server wrote. */
async function migrate({ bench, scene, log, plane }: Place, way: Way, indexes: readonly number[], secrets: { at(index: number): Named }) {
  const { signal } = bench;
  const before = await storedSecrets(plane, signal);
  let rewritten = 0;
  const phase = await log.phase({ name: `migrate-${way}`, due: indexes.length, expectedMs: indexes.length * 5 }, async (tell: Tell) => {
    const outcomes = new OutcomeLog(scene.clock);
    const startMs = scene.clock.monotonicMs();
    await sendEach(indexes, { log: outcomes, workers: 1, onDone: tell }, (index) => {
      const { namespace, name } = secrets.at(index);
      if (way !== "patch") return log.client.replaceUnchanged(namespace, name, signal);
      const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
      const contentType = "application/merge-patch+json";
      return log.client.request({ method: "PATCH", path, body: Buffer.from("{}"), contentType, names: [name], signal });
    });
    const durationMs = scene.clock.monotonicMs() - startMs;
    const after = await storedSecrets(plane, signal);
    rewritten = [...after.revisions].filter(([key, revision]) => before.revisions.get(key) !== revision).length;
    return {
      ...outcomes.facts(),
      durationMs,
      figures: { rewrittenCount: rewritten },
      claims: (tally) => [
        { what: "Secrets rewritten", value: rewritten },
        { what: "Encrypt calls", value: tally.work("Encrypt") },
        { what: "Decrypt calls", value: tally.work("Decrypt") },
      ],
    };
  });
  return { phase, rewritten };
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

function keyOf({ etcdPrefix }: ControlPlane, { namespace, name }: Named): string {
  return `${etcdPrefix}/secrets/${namespace}/${name}`;
}

function findingOf(shown: readonly Rotated[]): string {
  const [first] = shown;
  if (first === undefined) return "";
  const times = shown.map(({ noticeMs, health, oldWrites }) => {
    const asked = health === "not asked" ? "its health not asked for" : "its health asked for each second";
    return `${seconds({ durationMs: noticeMs, figures: {} })} after the change with ${asked} (${oldWrites} writes still took the old one)`;
  });
  return `KMS v2: the first write under the new key came ${times.join(", ")}; ${first.stale} Secrets were stale then. One client rewrites ${first.replacedPerSecond} by get and replace and ${first.patchedPerSecond} by empty patches, which leaves ${first.staleLeft} stale and ${first.after.dekSources} DEK source where there were ${first.before.dekSources}.`;
}
