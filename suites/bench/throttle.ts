import type { Outcome } from "../../harness/load/promise-sender.ts";
import type { Phase } from "../../harness/run/schema.ts";
import type { EncryptionConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { decodedAtOnce } from "./cold-start.ts";
import { play } from "./play.ts";
import { configurationFor, newKmsProviderName } from "./provider-configuration.ts";
import { quotaOption } from "./quota-option.ts";
import { type Scene, storedSecrets } from "./scene.ts";
import { OutcomeLog, sendEach } from "./scene-load.ts";
import { readyFigures, type SceneLog, type Tell } from "./scene-log.ts";
import { createSecrets, indexesOf, type KmsProvider, kmsProvidersOf } from "./scene-secrets.ts";
import { seconds } from "./scene-words.ts";

/** How many calls a second the KMS allows. */
const quota = quotaOption("quota", {
  describe: "How many calls a second the KMS allows; it answers ResourceExhausted beyond",
  default: "20,50",
});

/** Clients that rewrite at once, and how long they wait before they try again what was refused, ms. */
const workers = 4;
const retryMs = 1000;
/** A migration that is not through after so many rounds is given up. */
const roundsMax = 60;

const startMs = 4000;

/** What a cell shows. */
interface Throttled {
  readonly provider: KmsProvider;
  readonly perSecond: number;
  readonly restart: Phase;
  readonly migration: Phase;
  readonly rounds: number;
}

export const throttle = {
  id: "throttle",
  measures: "control-plane",
  question: "What do a restart and a migration do when the KMS allows only so many calls a second?",
  knownBefore:
    "That a quota breaks restarts is reported (Azure/kubernetes-kms#52, kubernetes/kubernetes#90856), how long they then take and what fails is not.",
  takes: "2 min: a restart is as slow as its quota makes it, and given up after a minute",
  needs: "a control plane that can be restarted and reconfigured, and a tap",
  requires: ["restart", "configure", "store", "tap"],
  metrics: {
    phases: ["restart", "migrate", "after"],
    figures: ["dekSourceCount", "roundCount", "refusedCount", "leftCount", ...readyFigures],
    parameters: ["quotaPerSecond"],
  },
  understands: ["secrets", "providers", "cachesize"],
  defaults: { secrets: [100], providers: ["kms-v1", "kms-v2"] },
  own: [quota],
  async run(bench: Bench) {
    for (const { provider, secrets } of kmsProvidersOf(bench.options)) {
      const shown: Throttled[] = [];
      for (const perSecond of quota.of(bench.options)) {
        await play(bench, { isTimed: false }, async (scene, log) => {
          const throttled = await measure(bench, scene, log, { provider, secrets, perSecond });
          if (!log.isForecast) shown.push(throttled);
        });
      }
      bench.journal.append({ event: "finding", finding: { benchmark: throttle.id, text: findingOf(shown, secrets) } });
    }
  },
} satisfies Benchmark;

async function measure(
  bench: Bench,
  scene: Scene,
  log: SceneLog,
  { provider, secrets: count, perSecond }: { readonly provider: KmsProvider; readonly secrets: number; readonly perSecond: number },
): Promise<Throttled> {
  const { options, signal } = bench;
  const { cacheSize } = options;
  const limit = `*:limit=${perSecond}/s`;
  const { encryption } = configurationFor(provider, { kmsSocket: scene.kmsSocket, cacheSize });
  await using plane = await scene.start(encryption);
  await log.attend(plane);
  const secrets = await createSecrets(log, { secrets: count, seed: options.seed });
  const stored = await storedSecrets(plane, signal);
  const callsMax = stored.sharing.reduce((sum, sharing) => sum + Math.min(decodedAtOnce(bench), sharing), 0);

  let shown: Throttled | undefined;
  await log.cell({ benchmark: throttle.id, provider, secrets: count, parameters: { quotaPerSecond: perSecond }, round: 1 }, async () => {
    await scene.disturb(limit);
    const restart = await log.restart(
      { name: "restart", expectedMs: startMs + (1000 * stored.dekSources) / perSecond, expectsFailures: true },
      {
        facts: {
          // What failed is asked for again, and what succeeded is kept: only the successes are certain.
          claims: (tally) => [
            { what: "Encrypt calls answered", value: tally.answered("Encrypt") },
            { what: "Decrypt calls answered", value: tally.answered("Decrypt"), allowed: (model) => [model, Math.max(model, callsMax)] },
          ],
        },
      },
    );
    await scene.disturb();
    await log.restartQuietly(inFront(encryption, provider, { socket: scene.kmsSocket, cacheSize }));
    await scene.disturb(limit);
    const { migration, rounds } = await migrate(bench, scene, log, secrets);
    await scene.disturb();
    const after = await storedSecrets(plane, signal);
    await log.phase({ name: "after", expectedMs: 100 }, async () => ({
      figures: { dekSourceCount: after.dekSources },
      claims: () => [{ what: "DEK sources after the migration", value: after.dekSources }],
    }));
    shown = { provider, perSecond, restart, migration, rounds };
  });
  if (shown === undefined) throw new TypeError("A cell that ends has been measured.");
  return shown;
}

/** Puts another provider with the same KMS in front, so that everything that is stored is stale. */
function inFront(
  before: EncryptionConfiguration,
  provider: KmsProvider,
  { socket, cacheSize }: { readonly socket: string; readonly cacheSize: number },
): EncryptionConfiguration {
  const next =
    provider === "kms-v1"
      ? ({ kind: "kms", apiVersion: "v1", name: newKmsProviderName, socket, cacheSize } as const)
      : ({ kind: "kms", apiVersion: "v2", name: newKmsProviderName, socket } as const);
  return { resources: before.resources.map(({ resources, providers }) => ({ resources, providers: [next, ...providers] })) };
}

/** Gets and replaces everything, and again what was refused after a pause, until nothing is left or enough was tried. */
async function migrate(
  { signal }: Bench,
  scene: Scene,
  log: SceneLog,
  secrets: { readonly count: number; at(index: number): { readonly namespace: string; readonly name: string } },
): Promise<{ readonly migration: Phase; readonly rounds: number }> {
  let rounds = 0;
  const migration = await log.phase(
    { name: "migrate", due: secrets.count, expectedMs: secrets.count * 20, expectsFailures: true },
    async (tell) => {
      const outcomes = new OutcomeLog(scene.clock);
      let left = indexesOf(secrets);
      while (left.length > 0 && rounds < roundsMax) {
        if (rounds++ > 0) {
          tell({ ...outcomes.state, done: outcomes.ok, awaited: `${left.length} Secrets were refused and are tried again` });
          await scene.pass(retryMs);
        }
        const refused: number[] = [];
        const onDone: Tell = (state) => tell({ ...state, done: outcomes.ok });
        await sendEach(left, { log: outcomes, workers, onDone }, async (index): Promise<Outcome> => {
          const { namespace, name } = secrets.at(index);
          const answer = await log.client.replaceUnchanged(namespace, name, signal);
          if (answer.failure !== undefined) refused.push(index);
          return answer;
        });
        left = refused;
      }
      return {
        ...outcomes.facts(),
        figures: { roundCount: rounds, refusedCount: outcomes.failed, leftCount: left.length },
        claims: (tally) => [
          { what: "Secrets rewritten", value: outcomes.ok },
          { what: "Encrypt calls answered", value: tally.answered("Encrypt") },
          { what: "Decrypt calls answered", value: tally.answered("Decrypt") },
        ],
      };
    },
  );
  return { migration, rounds };
}

function findingOf(shown: readonly Throttled[], count: number): string {
  const [first] = shown;
  if (first === undefined) return "";
  const name = first.provider === "kms-v1" ? "KMS v1" : "KMS v2";
  const restarts = shown.map(({ restart, perSecond }) => {
    const refused = Object.values(restart.kms ?? {}).reduce((sum, { failed }) => sum + failed, 0);
    return `${seconds(restart)} with ${perSecond} calls a second (${refused} refused)`;
  });
  const migrations = shown.map(
    ({ migration, perSecond, rounds }) =>
      `${seconds(migration)} with ${perSecond} (${migration.requests.failed} of ${migration.requests.due} writes refused, ${rounds} ${rounds === 1 ? "round" : "rounds"})`,
  );
  return `${name}, ${count} Secrets: until the API server is ready a restart takes ${restarts.join(", ")}. Moving all of them to another provider takes ${migrations.join(", ")}.`;
}
