import type { Tap } from "../../harness/kms/tap.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { type ApiLoad, openApiLoad } from "../../harness/load/api-load-client.ts";
import { ClientMeter } from "../../harness/load/client-cost.ts";
import { LoadDriver, type LoadSample } from "../../harness/load/driver.ts";
import type { LoadRequest } from "../../harness/load/load-request.ts";
import { deltas, type Metrics, parseMetrics } from "../../harness/load/metrics.ts";

import type { Schedule } from "../../harness/load/schedule.ts";
import type { Sender } from "../../harness/load/sender.ts";
import { spreadSender } from "../../harness/load/spread-sender.ts";
import type { PhaseState } from "../../harness/run/progress.ts";
import type { Agreement, Load, Phase, PhaseName } from "../../harness/run/schema.ts";
import { type PhaseTimes, timelineOf } from "../../harness/run/timeline.ts";
import type { ApiAccess } from "../../harness/target/target.ts";
import { agreements } from "./agreement.ts";
import type { Bench } from "./benchmark.ts";
import type { CellOrigin } from "./cell.ts";
import { KmsTally } from "./kms-tally.ts";

/** What a phase sends. */
export interface PhaseLoad {
  readonly schedule: Schedule;
  readonly sender: Sender;
  /** What else is known of the phase when it is over. */
  readonly figures?: () => Phase["figures"] | Promise<Phase["figures"]>;
}

/** What a phase itself measures; the rest of it is counted around it. */
interface Measured
  extends Omit<Phase, "name" | "startMs" | "kms" | "server" | "agreements" | "timeline" | "predictions" | "expectsFailures"> {
  /** What it sent. */
  readonly inTime: PhaseTimes["requests"];
  /** When the load began, by the monotonic clock; undefined where the phase began with it. */
  readonly loadStartMs?: number;
}

const noLoad = {
  load: null,
  requests: { due: 0, ok: 0, failed: 0, dropped: 0 },
  failures: [],
  latency: null,
  serviceTime: null,
  client: null,
  inTime: [],
};

/** Starting an API server takes some 3 s: what it weighs in the time left, as requests of this load. */
export function startWeight(load: Load): number {
  return load.model === "open" ? 3 * load.ratePerSecond : 3000;
}

/** How long the two counts of KMS calls may need to become equal: the API server counts a call after its answer passed the tap. */
const settleMs = 3000;
const settleStepMs = 25;
/** So many readings in a row must be alike where several API servers learn from one another. */
const readingsOfSeveral = 10;
/** Of a phase with more requests no single ones are kept, which would take memory while it is measured: its seconds are. */
const requestSamplesMax = 200_000;
/** Connections for what is not load, to each API server. */
const asideConnections = 4;
const http1Note = "The API server does not speak HTTP/2: the load goes over HTTP/1.1, at several times the client's CPU.";
/** How often a load that runs is looked at. */
const progressMs = 250;

/** The API servers of a control plane that was started or restarted. */
interface Started {
  readonly apis: readonly ApiAccess[];
}

/**
 * Measures the phases of one control plane, one after the other: what the client sees, the calls that the taps see, and how much the API
 * servers' own counters grow. Every phase begins where the one before it ended, so no call falls between two; what is not to be counted is
 * done {@link aside}.
 */
export class PhaseMeter implements AsyncDisposable {
  #bench: Bench;
  #origin: CellOrigin;
  #taps: readonly Tap[];
  #clients: SecretsClient[] = [];
  #loads: ApiLoad[] = [];
  /** The counters of each API server at the end of the phase before; empty for a server that has just started. */
  #countersBefore: Metrics[] = [];

  /** @param taps - in the order of the API servers; none where no tap can stand */
  constructor(bench: Bench, origin: CellOrigin, taps: readonly Tap[]) {
    this.#bench = bench;
    this.#origin = origin;
    this.#taps = taps;
  }

  /** A client for single requests, to the API server that was started or attached to last. */
  get client(): SecretsClient {
    return this.clientOf(0);
  }

  /** The client of the API server that requests of this number go to: each gets every n-th. */
  clientOf(index: number): SecretsClient {
    const client = this.#clients[index % this.#clients.length];
    if (client === undefined) throw new TypeError("There is no API server to talk to yet.");
    return client;
  }

  /** What sends these requests in a load, each API server every n-th of them. */
  sender(requests: readonly LoadRequest[]): Sender {
    return spreadSender(this.#loads.map((load) => load.sender(requests)));
  }

  /** The cell that the phases from now on belong to. */
  enter(origin: CellOrigin): void {
    this.#origin = origin;
  }

  /** Measures a start of API servers, which then count from zero; by default of all, otherwise of the one of this number. */
  async start<Of extends Started>(
    name: PhaseName,
    act: () => Promise<Of>,
    { server, figures }: { readonly server?: number; readonly figures?: (started: Of) => Phase["figures"] } = {},
  ): Promise<Of> {
    const { clock } = this.#bench;
    const startMs = clock.monotonicMs();
    const { answer } = await this.#measure(name, 0, async () => {
      const started = await act();
      const durationMs = clock.monotonicMs() - startMs;
      await this.#connect(started.apis);
      this.#countersBefore = started.apis.map((_, at) =>
        server === undefined || at === server ? new Map() : (this.#countersBefore[at] ?? new Map()),
      );
      return [started, { ...noLoad, durationMs, figures: figures?.(started) ?? {} }];
    });
    return answer;
  }

  /** Turns to API servers that were running before, and counts from now. */
  async attach(apis: readonly ApiAccess[]): Promise<void> {
    await this.#connect(apis);
    this.#countersBefore = await this.#counters();
    await this.aside(async () => {});
  }

  /** Does what belongs to no phase: its requests and the calls that they cause are counted nowhere. */
  async aside<Answer>(act: () => Promise<Answer>): Promise<Answer> {
    const answer = await act();
    await this.#settle(undefined, new KmsTally());
    return answer;
  }

  /** Measures something that sends no load of its own, for as long as it takes. */
  async during(name: PhaseName, act: () => Promise<Phase["figures"]>): Promise<Phase> {
    const { clock } = this.#bench;
    const startMs = clock.monotonicMs();
    const { phase } = await this.#measure(name, 0, async () => {
      const figures = await act();
      return [undefined, { ...noLoad, durationMs: clock.monotonicMs() - startMs, figures }];
    });
    return phase;
  }

  /** Measures a load. */
  async load(name: PhaseName, load: PhaseLoad): Promise<Phase> {
    const { samples } = this.#bench;
    const { phase } = await this.#measure(name, load.schedule.count, async (tally) => {
      const single: LoadSample[] = [];
      try {
        return [undefined, await this.#drive(name, load, { tally, single })];
      } finally {
        // Only now, and also of a load that was cut short: what writing them costs is not to be measured.
        for (const sample of single) samples.requests.append({ ...this.#origin, phase: name, ...sample });
      }
    });
    return phase;
  }

  async #drive(
    name: PhaseName,
    { schedule, sender, figures }: PhaseLoad,
    { tally, single }: { readonly tally: KmsTally; readonly single: LoadSample[] },
  ): Promise<Measured> {
    const { options, clock, signal, samples, progress, journal } = this.#bench;
    const areSingleKept = schedule.count <= requestSamplesMax;
    const driver = new LoadDriver({
      schedule,
      sender,
      clock,
      signal,
      ...(options.load.model === "open" ? { inFlightMax: options.load.inFlightMax } : {}),
      ...(areSingleKept ? { onSample: (sample: LoadSample) => single.push(sample) } : {}),
    });
    using meter = new ClientMeter();
    const running = driver.run();
    let isOver = false;
    void running.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await Promise.race([running, clock.sleep(progressMs)]);
      await this.#drain(name, tally);
      const state = driver.progress();
      progress.update({ ...state, kmsCalls: this.#seen(tally) });
      journal.mark({ done: state.done, kmsCalls: tally.total });
    }
    const result = await running;
    const client = meter.cost(result);
    const { load, due, ok, failed, dropped, failures, latency, serviceTime, durationMs, seconds } = result;
    signal.throwIfAborted();
    for (const second of seconds.seconds()) {
      samples.appendSecond({ ...this.#origin, phase: name, ...second, latency: second.latency.toLatency() });
    }
    return {
      ...{ durationMs, load, requests: { due, ok, failed, dropped }, failures },
      ...{ latency: latency.toLatency(), serviceTime: serviceTime.toLatency(), client },
      ...{ inTime: areSingleKept ? single : seconds, loadStartMs: result.startMs },
      figures: (await figures?.()) ?? {},
    };
  }

  async #measure<Answer>(
    name: PhaseName,
    due: number,
    act: (tally: KmsTally) => Promise<[Answer, Measured]>,
  ): Promise<{ readonly answer: Answer; readonly phase: Phase }> {
    const { journal, progress, samples, options, clock } = this.#bench;
    const tally = new KmsTally();
    journal.append({ event: "phase-started", name, due });
    progress.startPhase({ ...this.#origin, phase: name, due, weight: due === 0 ? startWeight(options.load) : due });
    const startMs = journal.nowMs();
    const [begunMs, begunWallMs] = [clock.monotonicMs(), clock.wallMs()];
    try {
      const [answer, { inTime, loadStartMs = begunMs, ...measured }] = await act(tally);
      const counted = await this.#settle(name, tally);
      const overMs = clock.monotonicMs() - loadStartMs;
      progress.update({ done: due, kmsCalls: this.#seen(tally) });
      progress.endPhase();
      const hasTaps = this.#taps.length > 0;
      const phase: Phase = {
        name,
        startMs,
        ...measured,
        kms: hasTaps ? tally.toPhase() : null,
        ...counted,
        timeline: timelineOf({
          durationMs: measured.durationMs,
          overMs,
          requests: inTime,
          kms: hasTaps ? tally.timesSince(begunWallMs + loadStartMs - begunMs) : null,
        }),
        figures: { ...measured.figures, ...(this.#taps.length > 1 ? tally.workByServer(this.#taps.length) : {}) },
        predictions: [],
        expectsFailures: false,
      };
      journal.append({ event: "phase", phase });
      return { answer, phase };
    } finally {
      // Also of a phase that was cut short.
      await samples.flush();
    }
  }

  /**
   * Reads both counts of KMS calls until they agree and no call is under way, or for long enough to know that they do not. What one of several
   * API servers wrote the others learn from their watches, and only then decrypt it: with them that has to hold for a while.
   */
  async #settle(name: PhaseName | undefined, tally: KmsTally): Promise<{ server: Record<string, number>; agreements: Agreement[] }> {
    const { clock, signal } = this.#bench;
    const giveUpMs = clock.monotonicMs() + settleMs;
    const readings = this.#taps.length > 1 ? readingsOfSeveral : 1;
    for (let alike = 0, calls = tally.total; ; calls = tally.total) {
      const counters = await this.#counters();
      await this.#drain(name, tally);
      const grown = summed(counters.map((after, at) => deltas(this.#countersBefore[at] ?? new Map(), after)));
      const pairs = this.#taps.length === 0 ? [] : agreements(this.#origin.provider, tally, grown);
      const isQuiet = pairs.every(({ tap, server }) => tap === server) && !(await this.#isCalling());
      // At the first reading the calls of the phase itself are new.
      alike = isQuiet && (alike === 0 || tally.total === calls) ? alike + 1 : 0;
      if (alike >= readings || clock.monotonicMs() > giveUpMs) {
        this.#countersBefore = counters;
        return { server: Object.fromEntries(grown), agreements: pairs };
      }
      await clock.sleep(settleStepMs, signal);
    }
  }

  /** The KMS calls so far, as far as anybody can see them. */
  #seen(tally: KmsTally): PhaseState["kmsCalls"] {
    return this.#taps.length === 0 && this.#bench.target.kind === "attached" ? undefined : tally.calls;
  }

  async #isCalling(): Promise<boolean> {
    for (const tap of this.#taps) if ((await tap.inFlight()) > 0) return true;
    return false;
  }

  /** Takes the taps' records; those of no phase are in no sample. */
  async #drain(phase: PhaseName | undefined, tally: KmsTally): Promise<void> {
    for (const [at, tap] of this.#taps.entries()) {
      const apiServer = at + 1;
      for (const record of await tap.drain()) {
        tally.add(record, { apiServer, tap });
        if (phase !== undefined) this.#bench.samples.kmsCalls.append({ ...this.#origin, phase, apiServer, ...record });
      }
    }
  }

  async #counters(): Promise<Metrics[]> {
    return await Promise.all(this.#clients.map(async (client) => parseMetrics(await client.metrics(this.#bench.signal))));
  }

  async #connect(apis: readonly ApiAccess[]): Promise<void> {
    await this.#disconnect();
    const { options, clock, signal, journal } = this.#bench;
    const { load } = options;
    this.#clients = apis.map((api) => new SecretsClient({ api, connections: asideConnections }));
    await Promise.all(this.#clients.map((client) => client.warmUp(signal)));
    const inFlightMax = load.model === "open" ? load.inFlightMax : load.inFlight;
    for (const api of apis) this.#loads.push(await openApiLoad({ api, inFlightMax, clock, signal }));
    if (this.#loads.every(({ protocol }) => protocol === "h2")) return;
    // Once for a run, however many control planes it has.
    if (!journal.result().header.notes.includes(http1Note)) journal.append({ event: "note", text: http1Note });
  }

  async #disconnect(): Promise<void> {
    await Promise.all([...this.#clients.splice(0), ...this.#loads.splice(0)].map((client) => client[Symbol.asyncDispose]()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect();
  }
}

function summed(parts: readonly Metrics[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const part of parts) for (const [series, growth] of part) sums.set(series, (sums.get(series) ?? 0) + growth);
  return sums;
}
