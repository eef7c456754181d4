import type { KmsVersion } from "../../harness/kms/contract.ts";
import { ClientMeter } from "../../harness/load/client-cost.ts";
import { LoadDriver, type LoadResult } from "../../harness/load/driver.ts";
import type { KmsLoadMethod } from "../../harness/load/kms-calls.ts";
import { KmsLoadClient, type LoadCall } from "../../harness/load/kms-load-client.ts";
import type { Schedule } from "../../harness/load/schedule.ts";
import type { ClientCost, Phase } from "../../harness/run/schema.ts";
import { timelineOf } from "../../harness/run/timeline.ts";
import type { PluginBench } from "./benchmark.ts";
import type { CellOrigin } from "./cell.ts";

/** A load of one method of a plugin. */
export interface PluginLoad {
  readonly method: KmsLoadMethod;
  readonly schedule: Schedule;
  readonly calls: readonly LoadCall[];
  readonly connections: number;
  /** Roughly how long it takes, beside others. */
  readonly weight: number;
}

/** How often a load that runs is looked at. */
const progressMs = 250;
/** An open load that the plugin does not keep up with holds back what is more, and shows it as latency; what comes too late is dropped. */
const inFlightMax = 4096;
const dropAfterMs = 1000;

const titles: Readonly<Record<KmsLoadMethod, string>> = { encrypt: "Encrypt", decrypt: "Decrypt", status: "Status" };

/** `kms-v2`: what a cell's provider is where the plugin stands alone. */
export function providerOf(kms: KmsVersion): "kms-v1" | "kms-v2" {
  return kms === "v1" ? "kms-v1" : "kms-v2";
}

/** Calls that were answered a second. */
export function callsPerSecond({ requests, durationMs }: Phase): number {
  return durationMs > 0 ? (requests.ok * 1000) / durationMs : 0;
}

/** Sends a load to a plugin through connections of its own, and writes down what came of it as a phase that is named as the method. */
export async function loadPlugin(bench: PluginBench, endpoint: string, origin: CellOrigin, load: PluginLoad): Promise<void> {
  const { clock, signal, journal, progress } = bench;
  const { method, schedule, calls, connections, weight } = load;
  await using client = await KmsLoadClient.connect({ endpoint, calls, count: schedule.count, connections, clock });
  // How many there will be in a time is not known.
  const expected = schedule.model === "closed" && schedule.durationMs !== undefined ? 0 : schedule.count;
  journal.append({ event: "phase-started", name: method, due: expected });
  progress.startPhase({ ...origin, phase: method, due: expected, weight });
  const startMs = journal.nowMs();
  using meter = new ClientMeter();
  const driver = new LoadDriver({ schedule, sender: client, clock, signal, inFlightMax, dropAfterMs });
  const running = driver.run();
  let isOver = false;
  const over = running.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([over, clock.sleep(progressMs)]);
    const state = driver.progress();
    progress.update({ ...state, kmsCalls: { [titles[method]]: state.done } });
    journal.mark({ done: state.done, kmsCalls: state.done });
  }
  const result = await running;
  const cost = meter.cost(result);
  const { load: offered, due, ok, failed, dropped, failures, latency, serviceTime, seconds, durationMs } = result;
  signal.throwIfAborted();
  progress.endPhase();
  const phase = {
    name: method,
    startMs,
    durationMs,
    load: offered,
    requests: { due, ok, failed, dropped },
    failures,
    latency: latency.toLatency(),
    serviceTime: serviceTime.toLatency(),
    kms: null,
    server: {},
    agreements: [],
    timeline: timelineOf({ durationMs, overMs: durationMs, requests: seconds, kms: null }),
    client: cost,
    figures: {},
  };
  journal.append({ event: "phase", phase });
}

/** The same without a phase of its own, for one rate of a search: what came of it, and what the client spent on it. */
export async function tryPlugin(
  { clock, signal }: Pick<PluginBench, "clock" | "signal">,
  endpoint: string,
  { schedule, calls, dropAfterMs: lateMs }: Pick<PluginLoad, "schedule" | "calls"> & { readonly dropAfterMs: number },
): Promise<{ readonly result: LoadResult; readonly cost: ClientCost }> {
  await using client = await KmsLoadClient.connect({ endpoint, calls, count: schedule.count, clock });
  using meter = new ClientMeter();
  const result = await new LoadDriver({ schedule, sender: client, clock, signal, inFlightMax, dropAfterMs: lateMs }).run();
  signal.throwIfAborted();
  return { result, cost: meter.cost(result) };
}
