import { UsageError } from "../../harness/errors.ts";
import type { Population } from "../../harness/load/population.ts";
import type { Parameters, Phase } from "../../harness/run/schema.ts";
import { workCalls } from "../../harness/run/verdict.ts";
import type { EncryptionFile } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import { isBefore } from "../conformance/kubernetes-version.ts";
import type { Bench, Benchmark, BenchOptions } from "./benchmark.ts";
import { ownOption } from "./own-option.ts";
import { play } from "./play.ts";
import { configurationFor } from "./provider-configuration.ts";
import { latencyFaults, type Scene, storedSecrets } from "./scene.ts";
import { OutcomeLog, sendEach } from "./scene-load.ts";
import { type Claim, readyFigures, type SceneLog } from "./scene-log.ts";
import { changeSecrets, createSecrets, indexesOf, type KmsProvider, kmsProvidersOf } from "./scene-secrets.ts";
import { range, seconds } from "./scene-words.ts";

/** How many DEK sources the Secrets of KMS v2 are to have, ascending. */
const dekSources = ownOption<readonly number[]>({
  name: "dek-sources",
  describe: "How many DEK sources of KMS v2 the Secrets have, each made by a restart between writes; several with commas",
  default: "1,4",
  parse(word) {
    const counts = word.split(",").map((part) => Number(part.trim()));
    if (counts.length > 0 && counts.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= sourcesMax)) {
      return [...new Set(counts)].sort((a, b) => a - b);
    }
    throw new UsageError("bad-bench-options", `--dek-sources takes whole numbers from 1 to ${sourcesMax}, with commas between several.`);
  },
});
const sourcesMax = 100;

/** An API server needs some 4 s to start on two cores. */
const startMs = 4000;

/** One point of the curve. */
interface Point {
  readonly provider: KmsProvider;
  readonly secrets: number;
  readonly parameters: Parameters;
  readonly restart: Phase;
  readonly cold: Phase;
}

export const coldStart = {
  id: "cold-start",
  measures: "control-plane",
  question:
    "How long does a restart of the API server take, and how often does it ask the KMS, by the number of Secrets, DEK sources, cachesize and the KMS's latency?",
  knownBefore:
    "Kubernetes' blog gives a write's time for v1 and v2 on two different clusters; the 80 s of kubernetes/kubernetes#90856 for a restart under v1 are arithmetic, and nobody has measured a curve.",
  takes: "2 min: 4 s a restart, of which there is one for each number of Secrets, latency and number of DEK sources",
  needs: "a control plane that can be restarted, and a tap",
  requires: ["restart", "store", "tap"],
  metrics: { phases: ["restart", "cold"], figures: ["dekSourceCount", ...readyFigures], parameters: ["cacheSize", "dekSources"] },
  understands: ["secrets", "providers", "kms-latency", "cachesize"],
  defaults: { secrets: [50, 500], providers: ["kms-v1", "kms-v2"], kmsLatenciesMs: [0, 10, 40] },
  own: [dekSources],
  async run(bench: Bench) {
    for (const { provider, secrets } of kmsProvidersOf(bench.options)) {
      await play(bench, { isTimed: true }, (scene, log) => measure(bench, scene, log, { provider, secrets }));
    }
  },
} satisfies Benchmark;

async function measure(
  bench: Bench,
  scene: Scene,
  log: SceneLog,
  { provider, secrets: count }: { readonly provider: KmsProvider; readonly secrets: number },
): Promise<void> {
  const { options, signal } = bench;
  const { seed, kmsLatenciesMs, cacheSize } = options;
  const encryptionWith = (size: number) => configurationFor(provider, { kmsSocket: scene.kmsSocket, cacheSize: size }).encryption;
  await using plane = await scene.start(encryptionWith(cacheSize));
  await log.attend(plane);
  const secrets = await createSecrets(log, { secrets: count, seed });
  const subject = { bench, scene, log, plane, secrets, provider };
  const points: Point[] = [];

  if (provider === "kms-v1") {
    for (const ms of kmsLatenciesMs) points.push(await point(subject, { kmsLatencyMs: ms, cacheSize }, encryptionWith(cacheSize)));
    // What does not fit is decrypted again by the first reads.
    const half = Math.max(1, Math.floor(count / 2));
    points.push(await point(subject, { kmsLatencyMs: kmsLatenciesMs[0] ?? 0, cacheSize: half }, encryptionWith(half)));
  } else {
    const wanted = dekSources.of(options).filter((sources) => sources <= count);
    const groups = wanted.at(-1) ?? 1;
    let sources = 1;
    for (const next of wanted) {
      for (; sources < next; sources++) {
        const group = sources;
        await log.restartQuietly();
        await changeSecrets(log, secrets, { indexes: indexesOf(secrets).filter((index) => index % groups === group), generation: group });
      }
      for (const ms of kmsLatenciesMs) points.push(await point(subject, { kmsLatencyMs: ms, dekSources: next }));
    }
  }
  signal.throwIfAborted();
  log.finding(findingOf(points, count));
}

interface Subject {
  readonly bench: Bench;
  readonly scene: Scene;
  readonly log: SceneLog;
  readonly plane: ControlPlane;
  readonly secrets: Population;
  readonly provider: KmsProvider;
}

/** Restarts with the KMS as slow as it is said, and reads everything once. */
async function point(
  { bench, scene, log, plane, secrets, provider }: Subject,
  parameters: { readonly kmsLatencyMs: number; readonly cacheSize?: number; readonly dekSources?: number },
  encryption?: EncryptionFile,
): Promise<Point> {
  const { kmsLatencyMs, cacheSize = Number.POSITIVE_INFINITY } = parameters;
  const stored = await storedSecrets(plane, bench.signal);
  const atOnce = decodedAtOnce(bench);
  const measured: Partial<Record<"restart" | "cold", Phase>> = {};
  await log.cell({ benchmark: coldStart.id, provider, secrets: secrets.count, parameters, round: 1 }, async () => {
    await scene.disturb(...latencyFaults(kmsLatencyMs));
    const callsMax = provider === "kms-v1" ? secrets.count : stored.sharing.reduce((sum, sharing) => sum + Math.min(atOnce, sharing), 0);
    measured.restart = await log.restart(
      { name: "restart", expectedMs: startMs + (callsMax * kmsLatencyMs) / atOnce },
      {
        ...(encryption === undefined ? {} : { encryption }),
        facts: {
          figures: { dekSourceCount: stored.dekSources },
          claims: (tally): Claim[] => [
            { what: "DEK sources in the store", value: stored.dekSources },
            { what: "Encrypt calls", value: tally.work("Encrypt") },
            { what: "Decrypt calls", value: tally.work("Decrypt"), allowed: (model) => [model, Math.max(model, callsMax)] },
          ],
        },
      },
    );
    measured.cold = await log.phase({ name: "cold", due: secrets.count, expectedMs: secrets.count * 3 }, async (tell) => {
      const outcomes = new OutcomeLog(scene.clock);
      await sendEach(indexesOf(secrets), { log: outcomes, workers: 1, onDone: tell }, (index) => {
        const { namespace, name } = secrets.at(index);
        return log.client.getSecret(namespace, name, bench.signal);
      });
      // Values that are decoded at once come into the cache in another order, so that a few of them may still be there.
      const reordered = cacheSize < secrets.count && atOnce > 1 ? 2 * atOnce : 0;
      return {
        ...outcomes.facts(),
        claims: (tally) => [{ what: "Decrypt calls", value: tally.work("Decrypt"), allowed: (model) => [model - reordered, model] }],
      };
    });
    await scene.disturb();
  });
  const { restart, cold } = measured;
  if (restart === undefined || cold === undefined) throw new TypeError("Both phases have been measured.");
  return { provider, secrets: secrets.count, parameters, restart, cold };
}

/** How many values an API server decodes at once when it starts (spec encryption-at-rest 6.4); the model says one unless it is told otherwise. */
export function decodedAtOnce({
  options,
  target,
}: {
  readonly options: Pick<BenchOptions, "featureGates" | "kubernetesVersion">;
  readonly target: { readonly kind: string };
}): number {
  const isOn = options.featureGates["ConcurrentWatchObjectDecode"];
  return (isOn ?? (target.kind !== "embedded" && !isBefore(options.kubernetesVersion, { minor: 37 }))) ? 10 : 1;
}

/** What the curve says, by its ends. */
function findingOf(points: readonly Point[], count: number): string {
  const [first] = points;
  if (first === undefined) return "";
  const of = (point: Point) => `${seconds(point.restart)} at ${point.parameters["kmsLatencyMs"]} ms`;
  const name = first.provider === "kms-v1" ? "KMS v1" : "KMS v2";
  const decrypts = (phase: Phase) => workCalls(phase, "Decrypt");
  if (first.provider === "kms-v1") {
    const whole = points.slice(0, -1);
    const [small] = points.slice(-1);
    const again =
      small === undefined
        ? ""
        : ` With a cachesize of ${small.parameters["cacheSize"]} the first reads after it cost ${decrypts(small.cold)} more.`;
    return `${name}, ${count} Secrets: a restart calls Decrypt ${decrypts(first.restart)} times and takes ${whole.map(of).join(", ")} of KMS latency.${again}`;
  }
  const bySources = [...Map.groupBy(points, ({ parameters }) => parameters["dekSources"])].map(
    ([sources, some]) =>
      `${sources} DEK ${sources === 1 ? "source" : "sources"}: ${range(some.map(({ restart }) => decrypts(restart)))} Decrypt and ${some.map(of).join(", ")}`,
  );
  return `${name}, ${count} Secrets: a restart with ${bySources.join("; with ")} of KMS latency. The first reads after it cost ${points.reduce((sum, { cold }) => sum + decrypts(cold), 0)} more.`;
}
