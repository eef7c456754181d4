import type { Tap } from "../../harness/kms/tap.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { LoadDriver } from "../../harness/load/driver.ts";
import { deltas, type Metrics, parseMetrics } from "../../harness/load/metrics.ts";
import type { Schedule } from "../../harness/load/schedule.ts";
import type { Sender } from "../../harness/load/sender.ts";
import type { SampleOrigin } from "../../harness/run/samples.ts";
import type { Agreement, Load, Phase, PhaseName } from "../../harness/run/schema.ts";
import type { ApiAccess } from "../../harness/target/target.ts";
import { agreements } from "./agreement.ts";
import type { Bench } from "./benchmark.ts";
import { KmsTally } from "./kms-tally.ts";

/** What a phase sends. */
export interface PhaseLoad {
  readonly schedule: Schedule;
  readonly sender: Sender;
}

/** What a phase itself measures; the rest of it is counted around it. */
type Measured = Omit<Phase, "name" | "startMs" | "kms" | "server" | "agreements" | "seconds" | "client" | "figures">;

const noRequests: Phase["requests"] = { due: 0, ok: 0, failed: 0, dropped: 0 };

/** Starting an API server takes some 3 s: what it weighs in the time left, as requests of this load. */
export function startWeight(load: Load): number {
  return load.model === "open" ? 3 * load.ratePerSecond : 3000;
}

/** How long the two counts of KMS calls may need to become equal: the API server counts a call after its answer passed the tap. */
const settleMs = 3000;
const settleStepMs = 25;
/** How often a load that runs is looked at. */
const progressMs = 250;

/**
 * Measures the phases of one cell, one after the other: what the client sees, the calls that the tap sees, and how much the API server's
 * own counters grow. Every phase begins where the one before it ended, so no call falls between two.
 */
export class PhaseMeter implements AsyncDisposable {
  #bench: Bench;
  #origin: Omit<SampleOrigin, "phase">;
  #tap: Tap | undefined;
  #client: SecretsClient | undefined;
  /** The API server's counters at the end of the phase before; empty for a server that has just started. */
  #countersBefore: Metrics = new Map();

  constructor(bench: Bench, origin: Omit<SampleOrigin, "phase">, tap: Tap | undefined) {
    this.#bench = bench;
    this.#origin = origin;
    this.#tap = tap;
  }

  /** The client that the phases send with, to the API server that was started or attached to last. */
  get client(): SecretsClient {
    if (this.#client === undefined) throw new TypeError("There is no API server to talk to yet.");
    return this.#client;
  }

  /** Measures a start of an API server, which then counts from zero. */
  async start<Started extends { readonly api: ApiAccess }>(name: "start" | "restart", act: () => Promise<Started>): Promise<Started> {
    const { clock } = this.#bench;
    const startMs = clock.monotonicMs();
    const { answer } = await this.#measure(name, 0, async () => {
      const started = await act();
      const durationMs = clock.monotonicMs() - startMs;
      await this.#connect(started.api);
      this.#countersBefore = new Map();
      return [started, { durationMs, load: null, requests: noRequests, failures: [], latency: null, serviceTime: null }];
    });
    return answer;
  }

  /** Turns to an API server that was running before kmsmark came, and counts from now. */
  async attach(api: ApiAccess): Promise<void> {
    await this.#connect(api);
    this.#countersBefore = await this.#counters();
  }

  /** Measures a load. */
  async load(name: PhaseName, { schedule, sender }: PhaseLoad): Promise<Phase> {
    const { phase } = await this.#measure(name, schedule.count, async (tally) => {
      const { options, clock, signal, samples, progress } = this.#bench;
      const driver = new LoadDriver({
        schedule,
        sender,
        clock,
        signal,
        ...(options.load.model === "open" ? { inFlightMax: options.load.inFlightMax } : {}),
        onSample: (sample) => samples.requests.append({ ...this.#origin, phase: name, ...sample }),
      });
      const running = driver.run();
      let isOver = false;
      void running.finally(() => {
        isOver = true;
      });
      while (!isOver) {
        await Promise.race([running, clock.sleep(progressMs)]);
        await this.#drain(name, tally);
        progress.update({ done: driver.progress().done, kmsCalls: tally.total });
      }
      const { load, due, ok, failed, dropped, failures, latency, serviceTime, durationMs } = await running;
      signal.throwIfAborted();
      const requests = { due, ok, failed, dropped };
      return [undefined, { durationMs, load, requests, failures, latency: latency.toLatency(), serviceTime: serviceTime.toLatency() }];
    });
    return phase;
  }

  async #measure<Answer>(
    name: PhaseName,
    due: number,
    act: (tally: KmsTally) => Promise<[Answer, Measured]>,
  ): Promise<{ readonly answer: Answer; readonly phase: Phase }> {
    const { journal, progress, samples, options } = this.#bench;
    const tally = new KmsTally();
    journal.append({ event: "phase-started", name, due });
    progress.startPhase({ ...this.#origin, phase: name, due, weight: due === 0 ? startWeight(options.load) : due });
    const startMs = journal.nowMs();
    try {
      const [answer, measured] = await act(tally);
      const counted = await this.#settle(name, tally);
      progress.update({ done: due, kmsCalls: tally.total });
      progress.endPhase();
      const kms = this.#tap === undefined ? null : tally.toPhase();
      const phase: Phase = { name, startMs, ...measured, kms, ...counted, seconds: [], client: null, figures: {} };
      journal.append({ event: "phase", phase });
      return { answer, phase };
    } finally {
      // Also of a phase that was cut short.
      await samples.flush();
    }
  }

  /** Reads both counts of KMS calls until they agree, or for long enough to know that they do not. */
  async #settle(name: PhaseName, tally: KmsTally): Promise<{ server: Record<string, number>; agreements: Agreement[] }> {
    const { clock, signal } = this.#bench;
    const giveUpMs = clock.monotonicMs() + settleMs;
    for (;;) {
      const counters = await this.#counters();
      await this.#drain(name, tally);
      const grown = deltas(this.#countersBefore, counters);
      const pairs = this.#tap === undefined ? [] : agreements(this.#origin.provider, tally, grown);
      const isSettled = pairs.every(({ tap, server }) => tap === server);
      if (isSettled || clock.monotonicMs() > giveUpMs) {
        this.#countersBefore = counters;
        return { server: Object.fromEntries(grown), agreements: pairs };
      }
      await clock.sleep(settleStepMs, signal);
    }
  }

  async #drain(phase: PhaseName, tally: KmsTally): Promise<void> {
    for (const record of (await this.#tap?.drain()) ?? []) {
      tally.add(record);
      this.#bench.samples.kmsCalls.append({ ...this.#origin, phase, ...record });
    }
  }

  async #counters(): Promise<Metrics> {
    return parseMetrics(await this.client.metrics(this.#bench.signal));
  }

  async #connect(api: ApiAccess): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
    const { load } = this.#bench.options;
    this.#client = new SecretsClient({ api, connections: load.model === "open" ? load.inFlightMax : load.inFlight });
    await this.#client.warmUp(this.#bench.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }
}
