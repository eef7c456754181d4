import { kindPrefix } from "../../harness/envelope/index.ts";
import { TargetError } from "../../harness/errors.ts";
import type { SecretsClient } from "../../harness/load/api-client.ts";
import { createRequest, deleteRequest, getRequest, type LoadRequest, updateRequest } from "../../harness/load/load-request.ts";
import { type Population, population } from "../../harness/load/population.ts";
import { type Outcome, promiseSender } from "../../harness/load/promise-sender.ts";
import { closedLoop } from "../../harness/load/schedule.ts";
import { encodeSecret } from "../../harness/load/secret-spec.ts";
import type { BenchProvider, Phase, PhaseName } from "../../harness/run/schema.ts";
import { startBenchPlane } from "./bench-plane.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { type CellOrigin, withinCell } from "./cell.ts";
import { interleaved, parametersOf } from "./interleaved.ts";
import { startWeight } from "./phase-meter.ts";
import { requestLoad, scheduleOf } from "./secret-load.ts";
import { checkStored } from "./stored-check.ts";

/** How often the whole population is listed, and in pages of how many: kubectl asks for 500. */
const lists = 5;
const listLimit = 500;
/** What a cell goes through, in this order, where its API server can be restarted. */
export const lifecyclePhases = ["start", "write", "read", "list", "update", "noop", "restart", "cold", "delete"] as const;
/** Phases that send one request a Secret: write, read, update, noop, cold, delete. */
const phasesPerSecret = 6;

export const lifecycle = {
  id: "lifecycle",
  question: "What does a provider cost the Secrets of a cluster, from the first write over a restart of the API server to the last delete?",
  knownBefore:
    "Kubernetes' own benchmarks write and read under KMS v2 alone and never restart; its blog compares v1 and v2 on two different clusters.",
  takes: "20 s for 50 Secrets and two providers, and as long as --secrets and --rate ask for",
  needs: "any control plane; the restart and the calls at the tap need one that kmsmark started",
  measures: "control-plane",
  requires: [],
  understands: ["secrets", "providers", "load", "rounds", "kms-latency", "api-servers", "cachesize"],
  metrics: { phases: lifecyclePhases },
  async run(bench: Bench) {
    const { secrets, providers, load, rounds, kmsLatenciesMs } = bench.options;
    const weights = secrets.map((count) => providers.length * (phasesPerSecret * count + lists + 2 * startWeight(load)));
    const repeated = rounds * kmsLatenciesMs.length;
    const cells = repeated * secrets.length * providers.length;
    // Somebody's cluster is neither started nor restarted.
    const phases = cells * (bench.target.kind === "attached" ? lifecyclePhases.length - 3 : lifecyclePhases.length);
    bench.progress.expect({ weight: repeated * weights.reduce((sum, weight) => sum + weight, 0), cells, phases });
    for (const count of secrets) {
      for (const kmsLatencyMs of kmsLatenciesMs) {
        for (const { round, provider } of interleaved(bench.options)) {
          const origin = {
            benchmark: "lifecycle",
            provider,
            secrets: count,
            parameters: parametersOf(bench.options, { kmsLatencyMs }),
            round,
          };
          await withinCell(bench, origin, () => measureCell(bench, origin, kmsLatencyMs));
        }
      }
    }
  },
} satisfies Benchmark;

/** Every cell has a control plane of its own, so that none sees what another left in caches, store or key versions. */
async function measureCell(bench: Bench, origin: CellOrigin, kmsLatencyMs: number): Promise<void> {
  const { options, target, signal, journal } = bench;
  const { provider, secrets: count } = origin;
  const isOurs = target.kind !== "attached";
  await using held = new AsyncDisposableStack();
  const { plane, meter, chain, configured } = held.use(
    await startBenchPlane(bench, origin, { kmsLatencyMs, startPhase: isOurs ? "start" : undefined }),
  );

  // A cluster in use keeps its own Secrets: there the population lives in namespaces that nobody else has.
  const secrets = population({ secrets: count, seed: options.seed, namespacePrefix: isOurs ? "" : `kmsmark-${bench.lease.id}-` });
  if (!isOurs) held.defer(() => removePopulation(meter.client, secrets));
  for (const namespace of secrets.namespaces) await meter.client.createNamespace(namespace, signal);
  const bodies = (generation: number) => Array.from({ length: count }, (_, index) => encodeSecret(secrets.at(index, generation)));
  const written = bodies(0);
  /** Of one request a Secret; encoded before the phase begins. */
  const load = (name: PhaseName, requests: readonly LoadRequest[]) =>
    meter.load(name, requestLoad(meter, scheduleOf(options, requests.length), requests));
  const reads = written.map(getRequest);

  const write = await load("write", written.map(createRequest));
  if (!isOurs) requireProvider(provider, write);
  const check = await checkStored({
    plane,
    secrets,
    provider,
    configured,
    pluginSocket: chain?.pluginSocket ?? options.pluginSocket,
    signal,
  });
  if (typeof check === "string") journal.append({ event: "note", text: `The stored values were not checked: ${check}` });
  else journal.append({ event: "envelopes", check });

  await load("read", reads);
  await meter.load("list", {
    schedule: closedLoop({ inFlight: 1, count: lists }),
    sender: promiseSender(lists, (index) => listAll(meter.clientOf(index), signal)),
  });
  const updates = bodies(1).map(updateRequest);
  await load("update", updates);
  await load("noop", updates);

  if (plane.cannot.restart === undefined) {
    await plane.stopApiServer();
    await meter.start("restart", async () => {
      await plane.startApiServer();
      return plane;
    });
    await load("cold", reads);
  } else {
    journal.append({ event: "note", text: `There is no restart and no cold read: ${plane.cannot.restart}` });
  }

  await load("delete", written.map(deleteRequest));
}

/** Takes everything back out of a cluster that is somebody's, however far the measurement came. */
async function removePopulation(client: SecretsClient, secrets: Population): Promise<void> {
  for (let index = 0; index < secrets.count; index++) {
    const { namespace, name } = secrets.at(index);
    await client.deleteSecret(namespace, name);
  }
  for (const namespace of secrets.namespaces) await client.deleteNamespace(namespace);
}

/** What a cluster that is somebody's is said to encrypt with is not believed but looked up. */
function requireProvider(provider: BenchProvider, { server, requests }: Phase): void {
  // A name follows for all but identity (spec encryption-at-rest 0.4).
  const label = `transformer_prefix="${kindPrefix(provider)}${provider === "identity" ? '"' : ""}`;
  const writes = Object.entries(server).filter(
    ([name]) =>
      name.startsWith("apiserver_storage_transformation_operations_total{") &&
      name.includes('transformation_type="to_storage"') &&
      name.includes(label),
  );
  if (writes.reduce((sum, [, grown]) => sum + grown, 0) >= requests.ok) return;
  throw new TargetError("other-provider", `The API server did not write with ${provider}: its own metrics do not count the writes there.`, {
    hint: "Say with --providers what encrypts Secrets in this cluster.",
  });
}

/** A whole list is one request to who reads it, however many pages it takes. */
async function listAll(client: SecretsClient, signal: AbortSignal): Promise<Outcome> {
  let last: Outcome = { status: 0, failure: "No page came." };
  for await (const page of client.listPages({ limit: listLimit }, signal)) last = page;
  return last;
}
