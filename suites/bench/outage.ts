import { UsageError } from "../../harness/errors.ts";
import { durationMsOf } from "../../harness/kms/fault-syntax.ts";
import type { Population } from "../../harness/load/population.ts";
import type { Outcome } from "../../harness/load/promise-sender.ts";
import { encodeSecret } from "../../harness/load/secret-spec.ts";
import { writeTtlMs } from "../../harness/model/index.ts";
import type { Phase } from "../../harness/run/schema.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { decodedAtOnce } from "./cold-start.ts";
import type { KmsTally } from "./kms-tally.ts";
import { ownOption } from "./own-option.ts";
import { foretell, play } from "./play.ts";
import { configurationFor } from "./provider-configuration.ts";
import { type Scene, storedSecrets } from "./scene.ts";
import { OutcomeLog } from "./scene-load.ts";
import { type Claim, readyFigures, type SceneLog } from "./scene-log.ts";
import { createSecrets, type KmsProvider, kmsProvidersOf } from "./scene-secrets.ts";
import { seconds } from "./scene-words.ts";

const outageMsMax = 3_600_000;

/** How long the KMS is gone. */
const outages = ownOption<readonly string[]>({
  name: "outage",
  describe: "How long the KMS is gone, several with commas; the model is asked about 10s, 3m and 10m besides, in a time of its own",
  default: "10s",
  parse(word) {
    const durations = word.split(",").map((part) => part.trim());
    const isRight = (duration: string) => {
      const ms = durationMsOf(duration);
      return ms !== undefined && ms >= 1000 && ms <= outageMsMax;
    };
    if (durations.length > 0 && durations.every(isRight)) return durations;
    throw new UsageError("bad-bench-options", "--outage takes durations from 1s to 1h, like 10s or 3m, with commas between several.");
  },
});
/** What the model is asked about in any case. */
const modelled: readonly string[] = ["10s", "3m", "10m"];
/** How often the model is tried where nothing is compared with it, seconds: each second of a short outage, and some fifty times in a long one. */
function modelledEverySeconds(outageMs: number): number {
  return Math.ceil(outageMs / 50_000);
}

/** How a plugin shows that its KMS is gone: by a call that fails, or by a healthz that is not ok (kubernetes/kubernetes#138950). */
const kinds = {
  "calls fail": ["*:error=Unavailable(the KMS is gone)"],
  "healthz not ok": [
    "Status:healthz=the KMS is gone",
    "Encrypt:error=Unavailable(the KMS is gone)",
    "Decrypt:error=Unavailable(the KMS is gone)",
  ],
} as const;
type Kind = keyof typeof kinds;

/** Seconds before the outage and after it in the time line; a failing API server asks for the Status every 10 s. */
const beforeSeconds = 5;
const afterSeconds = 15;
/** How long the KMS stays away from an API server that starts, ms. */
const restartOutageMs = 10_000;
/** An API server that is not ready is asked for its health again and again, and starts when it finds the KMS back. */
const startMs = 10_000;
/** Two seconds of the time line may fall on the other side of an edge of the outage. */
const edgeSeconds = 2;
/** A Status may be up to so much older when the outage begins than on the model, which decides when KMS v2's writes end. */
const statusSeconds = 25;
const failuresMax = 10;

/** What is tried once a second; a cold read is one of a value whose DEK the API server has not, which only KMS v1 forgets. */
const operations = ["write", "warm-read", "cold-read", "readyz"] as const;
type Operation = (typeof operations)[number];

interface Cell {
  readonly provider: KmsProvider;
  readonly secrets: number;
  readonly kind: Kind;
  readonly outage: string;
}

/** In which seconds since the time line began which operations failed. */
interface Timeline {
  readonly goneSecond: number;
  readonly lastSecond: number;
  readonly everySeconds: number;
  readonly failedSeconds: ReadonlyMap<Operation, readonly number[]>;
}

export const outage = {
  id: "outage",
  measures: "control-plane",
  question: "What still works for how long when the KMS is gone, and what comes back when, by how the plugin shows it?",
  knownBefore:
    "kubernetes/kubernetes#138950 says that a healthz that is not ok and a call that fails are not equivalent; nobody has a time line of both, nor of KMS v1.",
  takes:
    "2 min with --outage 10s: for each kind 20 s beside the outage itself, and a restart; what 3 and 10 minutes do the model says at once",
  needs: "a control plane that can be restarted, and a tap",
  requires: ["restart", "store", "tap"],
  metrics: {
    phases: ["outage", "writes", "warm-reads", "cold-reads", "readyz", "restart"],
    figures: readyFigures,
    parameters: ["outage", "shownBy"],
  },
  understands: ["secrets", "providers"],
  defaults: { secrets: [50], providers: ["kms-v2", "kms-v1"] },
  own: [outages],
  async run(bench: Bench) {
    for (const { provider, secrets } of kmsProvidersOf(bench.options)) {
      // KMS v1 has no Status whose answer could say so.
      const shownBy: readonly Kind[] = provider === "kms-v2" ? ["calls fail", "healthz not ok"] : ["calls fail"];
      for (const kind of shownBy) {
        const foretold = new Map<string, Timeline>();
        for (const duration of outages.of(bench.options)) {
          const cell = { provider, secrets, kind, outage: duration };
          await play(bench, { isTimed: false }, async (scene, log) => {
            const timeline = await measure(bench, scene, log, cell);
            if (log.isForecast) foretold.set(duration, timeline);
          });
        }
        for (const duration of modelled.filter((each) => !foretold.has(each))) {
          const cell = { provider, secrets, kind, outage: duration };
          await foretell(bench, async (scene, log) => {
            await using plane = await startPlane(scene, cell);
            await log.cell(originOf(cell), async () => {
              foretold.set(
                duration,
                await live(bench, scene, log, { cell, plane, everySeconds: modelledEverySeconds(durationMsOf(duration) ?? 0) }),
              );
            });
          });
        }
        const durations = [...foretold].sort(([one], [other]) => (durationMsOf(one) ?? 0) - (durationMsOf(other) ?? 0));
        const said = durations.map(([duration, timeline]) => `${duration}: ${failuresOf(timeline)}`);
        const text = `By the model, ${nameOf(provider)}, ${kind}: ${said.join("; ")}.`;
        bench.journal.append({ event: "finding", finding: { benchmark: outage.id, text } });
      }
    }
  },
} satisfies Benchmark;

async function measure(bench: Bench, scene: Scene, log: SceneLog, cell: Cell): Promise<Timeline> {
  const { provider, kind } = cell;
  await using plane = await startPlane(scene, cell);
  let timeline: Timeline | undefined;
  let restart: Phase | undefined;
  await log.cell(originOf(cell), async () => {
    timeline = await live(bench, scene, log, { cell, plane, everySeconds: 1 });
    const stored = await storedSecrets(plane, bench.signal);
    const callsMax = stored.sharing.reduce((sum, sharing) => sum + Math.min(decodedAtOnce(bench), sharing), 0);
    await scene.disturb(...kinds[kind]);
    restart = await log.restart(
      { name: "restart", expectedMs: restartOutageMs + startMs, expectsFailures: true },
      {
        // With room for all, so that what was decrypted once is kept when the rest of a list fails.
        encryption: configurationFor(provider, { kmsSocket: scene.kmsSocket, cacheSize: 2 * stored.count }).encryption,
        facts: {
          claims: (tally): Claim[] => [
            { what: "Encrypt calls answered", value: tally.answered("Encrypt") },
            { what: "Decrypt calls answered", value: tally.answered("Decrypt"), allowed: (model) => [model, Math.max(model, callsMax)] },
          ],
        },
        async meanwhile(tell) {
          for (let leftMs = restartOutageMs; leftMs > 0; leftMs -= 1000) {
            tell({ done: 0, awaited: `the KMS is back in ${leftMs / 1000} s` });
            await scene.clock.sleep(1000, bench.signal);
          }
          tell({ done: 0, awaited: "the KMS is back, and the API server has to notice" });
          await scene.disturb();
        },
      },
    );
  });
  await scene.disturb();
  if (timeline === undefined || restart === undefined) throw new TypeError("A cell that ends has been measured.");
  log.finding(
    `${nameOf(provider)}, ${cell.outage} with ${kind === "calls fail" ? "calls that fail" : "a healthz that is not ok"}: ${failuresOf(timeline)}. ` +
      `An API server that starts while the KMS is gone for ${restartOutageMs / 1000} s is ready after ${seconds(restart)}.`,
  );
  return timeline;
}

function originOf({ provider, secrets, kind, outage: duration }: Cell) {
  return { benchmark: outage.id, provider, secrets, parameters: { outage: duration, shownBy: kind }, round: 1 };
}

function startPlane(scene: Scene, { provider, secrets }: Cell): Promise<ControlPlane> {
  // So small that KMS v1 forgets what was read some seconds ago, and keeps what is read each second.
  const cacheSize = Math.max(5, Math.floor(secrets / 5));
  return scene.start(configurationFor(provider, { kmsSocket: scene.kmsSocket, cacheSize }).encryption);
}

/** Tries everything once a second, before, while and after the KMS is gone. */
async function live(
  { options, signal }: Bench,
  scene: Scene,
  log: SceneLog,
  { cell, plane, everySeconds }: { readonly cell: Cell; readonly plane: ControlPlane; readonly everySeconds: number },
): Promise<Timeline> {
  const { provider, kind, secrets: count } = cell;
  await log.attend(plane);
  const secrets = await createSecrets(log, { secrets: count, seed: options.seed });
  const outageMs = durationMsOf(cell.outage) ?? 0;
  // Half a second beside a tick, so that it is clear on which side each of them stands.
  const goneMs = beforeSeconds * 1000 - 500;
  const backMs = goneMs + outageMs;
  const endSecond = beforeSeconds + Math.ceil(outageMs / 1000) + afterSeconds;
  const ticks = Array.from({ length: endSecond }, (_, second) => second).filter(
    (second) => second <= beforeSeconds || (second - beforeSeconds) % everySeconds === 0,
  );
  const logs = new Map(operations.filter((each) => isTried(each, provider)).map((each) => [each, new OutcomeLog(scene.clock)]));
  const phase = await log.phase({ name: "outage", expectedMs: endSecond * 1000, expectsFailures: true }, async (tell) => {
    const pending: Promise<unknown>[] = [];
    const attemptAll = async (second: number) => {
      const failed = [...logs.values()].reduce((sum, outcomes) => sum + outcomes.failed, 0);
      const ok = [...logs.values()].reduce((sum, outcomes) => sum + outcomes.ok, 0);
      tell({ done: ok + failed, failed, ...awaitedAt(second * 1000, { goneMs, backMs }) });
      const tried = [...logs].map(([operation, outcomes]) => outcomes.send(() => attempt(log, secrets, { operation, second, signal })));
      pending.push(...tried);
      // On a model the time stands still until all are answered.
      if (scene.isVirtual) await Promise.all(tried);
    };
    const events = [
      ...ticks.map((second) => ({ atMs: second * 1000, act: () => attemptAll(second) })),
      { atMs: goneMs, act: () => scene.disturb(...kinds[kind]) },
      { atMs: backMs, act: () => scene.disturb() },
    ].sort((one, other) => one.atMs - other.atMs);
    const startedMs = scene.clock.monotonicMs();
    for (const { atMs, act } of events) {
      const waitMs = startedMs + atMs - scene.clock.monotonicMs();
      if (waitMs > 0) await scene.pass(waitMs);
      await act();
    }
    await Promise.all(pending);
    return { ...togetherOf(logs), claims: (tally) => claimsOf(cell, { logs, tally, ticks: ticks.length }) };
  });
  const failedSeconds = new Map([...logs].map(([operation, outcomes]) => [operation, outcomes.failedSeconds] as const));
  for (const [operation, outcomes] of logs) log.part(operation === "readyz" ? operation : `${operation}s`, phase, outcomes.facts());
  return { goneSecond: goneMs / 1000, lastSecond: ticks.at(-1) ?? 0, everySeconds, failedSeconds };
}

/** KMS v2 keeps what it has once decrypted, whatever its number, so that a read is never cold before a restart. */
function isTried(operation: Operation, provider: KmsProvider): boolean {
  return operation !== "cold-read" || provider === "kms-v1";
}

async function attempt(
  { client }: SceneLog,
  secrets: Population,
  { operation, second, signal }: { readonly operation: Operation; readonly second: number; readonly signal: AbortSignal },
): Promise<Outcome> {
  const last = secrets.count - 1;
  const { namespace, name } = secrets.at(operation === "warm-read" || last === 0 ? last : coldIndex(second, last));
  switch (operation) {
    case "write": {
      const written = {
        namespace: "default",
        name: `kmsmark-outage-${second}`,
        type: "Opaque",
        data: new Map([["second", Buffer.from(String(second))]]),
      };
      return await client.createSecret(encodeSecret(written), signal);
    }
    case "readyz":
      return await client.readyz(signal);
    default:
      return await client.getSecret(namespace, name, signal);
  }
}

/**
 * Which Secret a cold read is of: all but the last one, which is read each second, in turn, so that each comes again when it has long been
 * forgotten. What was read before the outage does not come again, since nothing is forgotten while nothing can be learnt.
 */
function coldIndex(second: number, count: number): number {
  const others = Math.max(1, count - beforeSeconds);
  return second < beforeSeconds ? second % count : count - others + ((second - beforeSeconds) % others);
}

function awaitedAt(atMs: number, { goneMs, backMs }: { readonly goneMs: number; readonly backMs: number }): { readonly awaited: string } {
  if (atMs < goneMs) return { awaited: "the KMS is still there" };
  if (atMs < backMs) return { awaited: `the KMS is back in ${Math.ceil((backMs - atMs) / 1000)} s` };
  return { awaited: "the KMS is back, and the API server has to notice" };
}

/** The requests of all operations as those of one phase. */
function togetherOf(logs: ReadonlyMap<Operation, OutcomeLog>): Pick<Phase, "requests" | "failures"> {
  const facts = [...logs.values()].map((outcomes) => outcomes.facts());
  const sum = (of: keyof Phase["requests"]) => facts.reduce((total, { requests }) => total + requests[of], 0);
  return {
    requests: { due: sum("due"), ok: sum("ok"), failed: sum("failed"), dropped: 0 },
    failures: facts.flatMap(({ failures }) => failures).slice(0, failuresMax),
  };
}

/** What the model has to have counted as well: the calls of KMS v1, which each write and cold read makes, and what failed. */
function claimsOf(
  { provider, outage: duration }: Cell,
  { logs, tally, ticks }: { readonly logs: ReadonlyMap<Operation, OutcomeLog>; readonly tally: KmsTally; readonly ticks: number },
): Claim[] {
  const slack = provider === "kms-v2" && (durationMsOf(duration) ?? 0) >= writeTtlMs - statusSeconds * 1000 ? statusSeconds : edgeSeconds;
  return [
    { what: "seconds", value: ticks },
    { what: "Encrypt calls", value: tally.work("Encrypt") },
    { what: "Decrypt calls", value: tally.work("Decrypt") },
    // How soon a health endpoint shows it depends on when it last asked, up to 20 s before: that the model need not share.
    ...[...logs]
      .filter(([operation]) => operation !== "readyz")
      .map(([operation, { failed }]): Claim => {
        return { what: `${operation}s that failed`, value: failed, allowed: (model) => [model - slack, model + slack] };
      }),
  ];
}

/** `writes failed from 0 s to 10 s, …`, counted from when the KMS was gone. */
function failuresOf({ goneSecond, lastSecond, everySeconds, failedSeconds }: Timeline): string {
  const failing: string[] = [];
  const working: string[] = [];
  for (const [operation, failed] of failedSeconds) {
    const [first, last] = [failed[0], failed.at(-1)];
    if (first === undefined || last === undefined) {
      working.push(wordsOf[operation]);
      continue;
    }
    const until = last >= lastSecond ? "on, also after it was back" : `to ${Math.ceil(last + everySeconds - goneSecond)} s`;
    failing.push(`${wordsOf[operation]} failed from ${Math.max(0, Math.floor(first - goneSecond))} s ${until}`);
  }
  return [...failing, ...(working.length === 0 ? [] : [`${working.join(" and ")} went on`])].join(", ");
}

const wordsOf: Readonly<Record<Operation, string>> = {
  write: "writes",
  "warm-read": "reads of known DEKs",
  "cold-read": "reads of forgotten DEKs",
  readyz: "readiness",
};

function nameOf(provider: KmsProvider): string {
  return provider === "kms-v1" ? "KMS v1" : "KMS v2";
}
