import type { Parameters, Phase } from "../../harness/run/schema.ts";
import { workCalls } from "../../harness/run/verdict.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { decodedAtOnce } from "./cold-start.ts";
import { play } from "./play.ts";
import { configurationFor } from "./provider-configuration.ts";
import { quotaOption } from "./quota-option.ts";
import { latencyFaults, type Scene, storedSecrets } from "./scene.ts";
import { type Claim, readyFigures, type SceneLog } from "./scene-log.ts";
import { createSecrets, type KmsProvider, kmsProvidersOf } from "./scene-secrets.ts";
import { seconds } from "./scene-words.ts";

/** What all API servers together may ask of the KMS. */
const sharedQuota = quotaOption("shared-quota", {
  describe: "How many calls a second the KMS allows all API servers together; it answers ResourceExhausted beyond",
  default: "50",
});

/** An API server needs some 4 s to start on two cores, and each more some 3 s of them. */
const startMs = (apiServers: number) => 1000 + 3000 * apiServers;

/** The KMS as it is for one restart of everything. */
interface Weather {
  readonly parameters: Parameters;
  readonly faults: readonly string[];
  /** In words: `with 40 ms of KMS latency`. */
  readonly words: string;
  /** What its calls take at least, ms. */
  leastMs(calls: number): number;
}

interface Stormed {
  readonly apiServers: number;
  readonly words: string;
  readonly restart: Phase;
}

export const storm = {
  id: "storm",
  measures: "control-plane",
  question:
    "What do several API servers that start cold at once ask of one KMS, and how long until all of them are ready, against one alone?",
  knownBefore:
    "For three API servers at once there are three lists of one provider's own test (2.5 s with 10,000 and 19.8 s with 50,000 Secrets under v2), and nothing for v1 or at a quota.",
  takes: "3 min: some 10 s for each start of three API servers on two cores, and as long as the quota makes it",
  needs: "a control plane that can be restarted, and a tap",
  requires: ["restart", "store", "tap"],
  metrics: { phases: ["restart"], figures: readyFigures, parameters: ["quotaPerSecond"] },
  understands: ["secrets", "providers", "kms-latency", "api-servers", "cachesize"],
  defaults: { secrets: [100], providers: ["kms-v1", "kms-v2"], kmsLatenciesMs: [0, 40], apiServers: 3 },
  own: [sharedQuota],
  async run(bench: Bench) {
    const { options } = bench;
    for (const { provider, secrets } of kmsProvidersOf(options)) {
      const shown: Stormed[] = [];
      for (const apiServers of new Set([1, options.apiServers])) {
        await play(bench, { isTimed: true }, async (scene, log) => {
          const stormed = await measure(bench, scene, log, { provider, secrets, apiServers });
          if (!log.isForecast) shown.push(...stormed);
        });
      }
      bench.journal.append({ event: "finding", finding: { benchmark: storm.id, text: findingOf(shown, { provider, secrets }) } });
    }
  },
} satisfies Benchmark;

async function measure(
  bench: Bench,
  scene: Scene,
  log: SceneLog,
  { provider, secrets: count, apiServers }: { readonly provider: KmsProvider; readonly secrets: number; readonly apiServers: number },
): Promise<Stormed[]> {
  const { options, signal } = bench;
  const { encryption } = configurationFor(provider, { kmsSocket: scene.kmsSocket, cacheSize: options.cacheSize });
  await using plane = await scene.start(encryption, apiServers);
  await log.attend(plane);
  await createSecrets(log, { secrets: count, seed: options.seed });
  const stored = await storedSecrets(plane, signal);
  const decryptsMax = apiServers * stored.sharing.reduce((sum, sharing) => sum + Math.min(decodedAtOnce(bench), sharing), 0);
  const shown: Stormed[] = [];
  for (const { parameters, faults, words, leastMs } of weathersOf(bench)) {
    const origin = { benchmark: storm.id, provider, secrets: count, parameters: { apiServers, ...parameters }, round: 1 };
    await log.cell(origin, async () => {
      await scene.disturb(...faults);
      const restart = await log.restart(
        { name: "restart", expectedMs: startMs(apiServers) + leastMs(decryptsMax), expectsFailures: true },
        {
          facts: {
            claims: (tally): Claim[] => [
              { what: "Encrypt calls answered", value: tally.answered("Encrypt") },
              {
                what: "Decrypt calls answered",
                value: tally.answered("Decrypt"),
                allowed: (model) => [model, Math.max(model, decryptsMax)],
              },
            ],
          },
        },
      );
      await scene.disturb();
      shown.push({ apiServers, words, restart });
    });
  }
  return shown;
}

function weathersOf({ options }: Bench): Weather[] {
  return [
    ...options.kmsLatenciesMs.map((ms) => ({
      parameters: { kmsLatencyMs: ms },
      faults: latencyFaults(ms),
      words: `with ${ms} ms of KMS latency`,
      leastMs: () => ms * 10,
    })),
    ...sharedQuota.of(options).map((perSecond) => ({
      parameters: { quotaPerSecond: perSecond },
      faults: [`*:limit=${perSecond}/s`],
      words: `at a quota of ${perSecond} calls a second`,
      leastMs: (calls: number) => (1000 * calls) / perSecond,
    })),
  ];
}

function findingOf(shown: readonly Stormed[], { provider, secrets }: { readonly provider: KmsProvider; readonly secrets: number }): string {
  const name = provider === "kms-v1" ? "KMS v1" : "KMS v2";
  const byWeather = [...Map.groupBy(shown, ({ words }) => words)].map(([words, some]) => {
    const each = some.map(({ apiServers, restart }) => {
      const refused = Object.values(restart.kms ?? {}).reduce((sum, { failed }) => sum + failed, 0);
      const calls = `${workCalls(restart, "Decrypt")} Decrypt${refused > 0 ? `, ${refused} calls refused` : ""}`;
      return `${apiServers === 1 ? "one" : apiServers} after ${seconds(restart)} (${calls})`;
    });
    return `${words} ${each.join(" and ")}`;
  });
  return `${name}, ${secrets} Secrets, API servers that start cold at once are ready: ${byWeather.join("; ")}.`;
}
