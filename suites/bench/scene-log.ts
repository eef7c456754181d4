import { TargetError } from "../../harness/errors.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { deltas, type Metrics, parseMetrics } from "../../harness/load/metrics.ts";
import { cellName } from "../../harness/run/fold.ts";
import type { PhaseState } from "../../harness/run/progress.ts";
import type { SampleOrigin } from "../../harness/run/samples.ts";
import type { Agreement, Phase, Prediction } from "../../harness/run/schema.ts";
import { type TimedRequest, timelineOf } from "../../harness/run/timeline.ts";
import type { Encryption } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import { agreements } from "./agreement.ts";
import type { Bench } from "./benchmark.ts";
import { type CellOrigin, withinCell } from "./cell.ts";
import { KmsTally } from "./kms-tally.ts";
import { kmsProviderName, newKmsProviderName } from "./provider-configuration.ts";
import type { Scene } from "./scene.ts";

/** A count that the model makes of the same scenario as well. */
export interface Claim {
  /** In words, `Decrypt calls`; once a phase. */
  readonly what: string;
  readonly value: number;
  /** What is as right as the model's own count, where the API server does several things at once; the count itself where it is left out. */
  readonly allowed?: (model: number) => readonly [least: number, most: number];
}

/** What a phase found by itself; its KMS calls are counted around it. */
export interface PhaseFacts extends Partial<Pick<Phase, "requests" | "failures" | "latency" | "figures" | "durationMs">> {
  /** Its requests, by the time since it began. */
  readonly times?: readonly TimedRequest[];
  /** What the model has to agree with, once the phase's KMS calls are known. */
  readonly claims?: (tally: KmsTally) => readonly Claim[];
}

export interface PhasePlan {
  readonly name: string;
  /** Requests that it sends; 0 where it sends none. */
  readonly due?: number;
  /** How long it is expected to take, ms; its weight in the time left. */
  readonly expectedMs: number;
  readonly expectsFailures?: boolean;
}

/** The figures of a phase that starts API servers again. */
export const readyFigures = ["readyMsMax", "readyMsMin", "notReady"] as const;

/** How a phase tells how far it is. */
export type Tell = (how: Omit<PhaseState, "kmsCalls">) => void;

/** What the model counted, by cell and phase and then by what. */
export type Forecast = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** How long the tap's count and the API servers' own may need to become equal, and how often they are compared, ms. */
const settleMs = 3000;
const settleStepMs = 50;
const settleTimesMin = 5;
/** How often a phase under way fetches what the tap saw, ms. */
const drainMs = 250;

const noRequests: Phase["requests"] = { due: 0, ok: 0, failed: 0, dropped: 0 };

/**
 * Takes down what a play of a scenario shows, cell by cell and phase by phase, and counts the KMS calls of each phase. Of the play on the model
 * it keeps the counts alone, and gives them out as a {@link Forecast}; with one at hand, it compares.
 */
export class SceneLog implements AsyncDisposable {
  readonly #bench: Bench;
  readonly #scene: Scene;
  /** Undefined while the model is played. */
  readonly #forecast: Forecast | undefined;
  readonly #counted = new Map<string, Map<string, number>>();
  #origin: CellOrigin | undefined;
  #plane: ControlPlane | undefined;
  #clients: readonly SecretsClient[] = [];
  /** The calls since the API servers were started, whose own counts begin there. */
  #sinceStart = new KmsTally();
  #countersBefore: Metrics = new Map();
  /** By the tap's time. */
  #statusMs: { readonly first: number; readonly last: number } | undefined;

  constructor(bench: Bench, scene: Scene, forecast?: Forecast) {
    this.#bench = bench;
    this.#scene = scene;
    this.#forecast = forecast;
  }

  /** What was counted, for the log of the other play. */
  get forecast(): Forecast {
    return this.#counted;
  }

  /** Whether this is the play on the model that others are compared with. */
  get isForecast(): boolean {
    return this.#forecast === undefined;
  }

  /** The API servers' clients, in their order. */
  get clients(): readonly SecretsClient[] {
    return this.#clients;
  }

  /** A client of the first API server. */
  get client(): SecretsClient {
    const [first] = this.#clients;
    if (first === undefined) throw new TypeError("There is no API server to talk to yet.");
    return first;
  }

  async cell(origin: CellOrigin, measure: () => Promise<void>): Promise<void> {
    this.#origin = origin;
    if (this.isForecast) await measure();
    else await withinCell(this.#bench, origin, measure);
  }

  /** Measures a part of the play. */
  async phase(plan: PhasePlan, act: (tell: Tell) => Promise<PhaseFacts>): Promise<Phase> {
    return await this.#phase(plan, act);
  }

  /** Turns to a control plane whose API servers have just been started, by a part of the play that is not measured. */
  async attend(plane: ControlPlane): Promise<void> {
    this.#plane = plane;
    await this.#connect(plane);
    await this.#drain(new KmsTally());
    this.#countersBefore = (await this.#counters()) ?? new Map();
  }

  /** Stops all API servers and starts them again, with another configuration if one is given, as a part of the play that is not measured. */
  async restartQuietly(encryption?: Encryption): Promise<void> {
    const plane = await this.#stop();
    await this.#scene.during(plane.startApiServer(encryption === undefined ? {} : { encryption }));
    await this.attend(plane);
  }

  /**
   * Stops all API servers, and measures their start from there on until all are ready: `figures.readyMsMax` and, of several,
   * `readyMsMin`. One that is not ready within the time that a target gives it is a finding, with `figures.notReady` 1 and no server left.
   */
  async restart(plan: PhasePlan, { encryption, facts, meanwhile }: RestartOptions = {}): Promise<Phase & { readonly isReady: boolean }> {
    const plane = await this.#stop();
    let isReady = false;
    const phase = await this.#phase(plan, async (tell) => {
      const { clock } = this.#scene;
      const startMs = clock.monotonicMs();
      const starting = this.#scene.during(plane.startApiServer(encryption === undefined ? {} : { encryption }));
      const helping = meanwhile?.(tell);
      let durationMs = 0;
      const measured = starting.catch(notReady).finally(() => {
        durationMs = clock.monotonicMs() - startMs;
      });
      // Both are waited for, so that nothing goes on behind a failure of one.
      const [started, helped] = await Promise.allSettled([measured, helping]);
      if (started.status === "rejected") throw started.reason;
      if (helped.status === "rejected") throw helped.reason;
      const readyMs = started.value;
      isReady = readyMs !== undefined;
      if (isReady) await this.#connect(plane);
      const figures = readyMs === undefined ? { notReady: 1 } : { readyMsMax: Math.max(...readyMs), readyMsMin: Math.min(...readyMs) };
      const claims = isReady ? facts?.claims : undefined;
      return { ...facts, durationMs, figures: { ...facts?.figures, ...figures }, claims: (tally) => claims?.(tally) ?? [] };
    });
    return { ...phase, isReady };
  }

  /** How long ago the API servers asked for the Status first since their start, and last, ms. */
  async sinceStatusMs(): Promise<{ readonly first: number; readonly last: number }> {
    await this.#drain(new KmsTally());
    const { clock, tap } = this.#scene;
    const ago = (ms: number | undefined) => (ms === undefined ? 0 : clock.wallMs() - tap.startedWallMs - ms);
    return { first: ago(this.#statusMs?.first), last: ago(this.#statusMs?.last) };
  }

  /** Writes down what one kind of request of a phase showed by itself, beside the phase, whose KMS calls are counted for all kinds together. */
  part(name: string, of: Phase, facts: PhaseFacts): void {
    if (this.isForecast) return;
    const { journal } = this.#bench;
    journal.append({ event: "phase-started", name, due: 0 });
    const phase: Phase = {
      ...{ name, startMs: of.startMs, durationMs: of.durationMs, load: null },
      ...{ requests: facts.requests ?? noRequests, failures: facts.failures ?? [], latency: facts.latency ?? null, serviceTime: null },
      ...{ kms: null, server: {}, agreements: [], client: null, figures: facts.figures ?? {} },
      timeline: timelineOf({ durationMs: of.durationMs, overMs: of.durationMs, requests: facts.times ?? [], kms: null }),
      ...{ predictions: [], expectsFailures: of.expectsFailures },
    };
    journal.append({ event: "phase", phase });
  }

  /** Writes down what the play showed, in at most two sentences. */
  finding(text: string): void {
    const { benchmark } = this.#cell;
    if (!this.isForecast) this.#bench.journal.append({ event: "finding", finding: { benchmark, text } });
  }

  note(text: string): void {
    if (!this.isForecast) this.#bench.journal.append({ event: "note", text });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect();
  }

  async #stop(): Promise<ControlPlane> {
    const plane = this.#plane;
    if (plane === undefined) throw new TypeError("There is no API server to start again yet.");
    await plane.stopApiServer();
    await this.#disconnect();
    // Calls that the API servers made at the last are not those of the next ones.
    const { clock, signal } = this.#bench;
    const giveUpMs = clock.monotonicMs() + settleMs;
    while ((await this.#scene.tap.inFlight()) > 0 && clock.monotonicMs() < giveUpMs) await clock.sleep(settleStepMs, signal);
    await this.#drain(new KmsTally());
    this.#sinceStart = new KmsTally();
    this.#statusMs = undefined;
    this.#countersBefore = new Map();
    return plane;
  }

  get #cell(): CellOrigin {
    if (this.#origin === undefined) throw new TypeError("A phase is part of a cell.");
    return this.#origin;
  }

  async #phase(plan: PhasePlan, act: (tell: Tell) => Promise<PhaseFacts>): Promise<Phase> {
    const { journal, progress, samples } = this.#bench;
    const { name, due = 0, expectedMs, expectsFailures = false } = plan;
    const origin = { ...this.#cell, phase: name };
    const tally = new KmsTally();
    // What was called between two phases is neither's.
    await this.#drain(new KmsTally());
    if (!this.isForecast) {
      journal.append({ event: "phase-started", name, due });
      progress.startPhase({ ...origin, due, weight: expectedMs });
    }
    const startMs = journal.nowMs();
    const { clock } = this.#scene;
    const [begunMs, begunWallMs] = [clock.monotonicMs(), clock.wallMs()];
    let told: Parameters<Tell>[0] = { done: 0 };
    using _draining = this.#drainWhile(origin, tally, () => told);
    const facts = await act((how) => {
      told = how;
    });
    const durationMs = facts.durationMs ?? clock.monotonicMs() - begunMs;
    const { server, agreements: compared } = await this.#settle(origin, tally);
    const inTime = { durationMs, overMs: clock.monotonicMs() - begunMs, requests: facts.times ?? [], kms: tally.timesSince(begunWallMs) };
    const phase: Phase = {
      ...{ name, startMs, durationMs, load: null, requests: facts.requests ?? noRequests, failures: facts.failures ?? [] },
      ...{ latency: facts.latency ?? null, serviceTime: null, kms: tally.toPhase(), server, agreements: compared },
      ...{ client: null, figures: facts.figures ?? {}, expectsFailures },
      timeline: timelineOf(inTime),
      predictions: this.#predictions(name, facts.claims?.(tally) ?? []),
    };
    if (!this.isForecast) {
      progress.update({ done: due, kmsCalls: tally.calls });
      progress.endPhase();
      journal.append({ event: "phase", phase });
      await samples.flush();
    }
    return phase;
  }

  /** Keeps the claims of the model, and holds those of another play against them. */
  #predictions(phase: string, claims: readonly Claim[]): Prediction[] {
    const key = `${cellName(this.#cell)}: ${phase}`;
    this.#counted.set(key, new Map(claims.map(({ what, value }) => [what, value])));
    return claims.flatMap(({ what, value, allowed }) => {
      const model = this.#forecast?.get(key)?.get(what);
      if (model === undefined) return [];
      const [least, most] = allowed?.(model) ?? [model, model];
      return [{ what, seen: value, least: Math.max(0, least), most }];
    });
  }

  /** Fetches what the tap saw again and again, so that neither it nor a display falls behind. */
  #drainWhile(origin: SampleOrigin, tally: KmsTally, told: () => Parameters<Tell>[0]): Disposable {
    let isOver = false;
    const { clock, progress, journal } = this.#bench;
    const loop = async () => {
      while (!isOver) {
        await this.#drain(tally, origin);
        if (!this.isForecast) {
          const state = told();
          progress.update({ kmsCalls: tally.calls, ...state });
          journal.mark({ done: state.done, kmsCalls: tally.total });
        }
        await clock.sleep(drainMs);
      }
    };
    // Whatever ends the tap ends the phase as well, and is told there.
    loop().catch(() => {});
    return {
      [Symbol.dispose]: () => {
        isOver = true;
      },
    };
  }

  async #drain(tally: KmsTally, origin?: SampleOrigin): Promise<void> {
    for (const record of await this.#scene.tap.drain()) {
      tally.add(record, { tap: this.#scene.tap });
      this.#sinceStart.add(record);
      if (record.method === "Status") this.#statusMs = { first: this.#statusMs?.first ?? record.startMs, last: record.startMs };
      if (this.isForecast || origin === undefined) continue;
      this.#bench.samples.kmsCalls.append({ ...origin, apiServer: this.#plane?.apis.length === 1 ? 1 : 0, ...record });
    }
  }

  /** Compares the calls since the API servers' start with what they count themselves, until both are equal or stay different. */
  async #settle(origin: SampleOrigin, tally: KmsTally): Promise<{ server: Record<string, number>; agreements: Agreement[] }> {
    const { clock, signal } = this.#bench;
    const giveUpMs = clock.monotonicMs() + settleMs;
    // Also on a machine that stands still for seconds they are compared so often.
    for (let times = 1; ; times++) {
      const counters = await this.#counters();
      await this.#drain(tally, origin);
      if (counters === undefined) return { server: {}, agreements: [] };
      const pairs = agreements(origin.provider, this.#sinceStart, counters, [kmsProviderName, newKmsProviderName]);
      if (pairs.every((pair) => pair.tap === pair.server) || (clock.monotonicMs() > giveUpMs && times >= settleTimesMin)) {
        const server = Object.fromEntries(deltas(this.#countersBefore, counters));
        this.#countersBefore = counters;
        return { server, agreements: pairs.map((pair) => ({ ...pair, what: `${pair.what} since the start` })) };
      }
      await clock.sleep(settleStepMs, signal);
    }
  }

  /** Of all API servers together; undefined where none runs. */
  async #counters(): Promise<Metrics | undefined> {
    if (this.#clients.length === 0) return undefined;
    const sums = new Map<string, number>();
    for (const client of this.#clients) {
      const own = parseMetrics(await client.metrics(this.#bench.signal));
      for (const [series, value] of own) sums.set(series, (sums.get(series) ?? 0) + value);
    }
    return sums;
  }

  async #connect(plane: ControlPlane): Promise<void> {
    await this.#disconnect();
    this.#clients = plane.apis.map((api) => new SecretsClient({ api, connections: connectionsMax }));
    for (const client of this.#clients) await client.warmUp(this.#bench.signal);
  }

  async #disconnect(): Promise<void> {
    const clients = this.#clients;
    this.#clients = [];
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
}

/** As many as are sent at once; each costs a handshake at every start. */
const connectionsMax = 5;

export interface RestartOptions {
  readonly encryption?: Encryption;
  readonly facts?: PhaseFacts;
  /** Something to be done while the API servers start. It waits by the scene's clock alone, which the start lets go on. */
  readonly meanwhile?: (tell: Tell) => Promise<void>;
}

/** How a target says that an API server runs and is not ready in time. */
const notReadyCodes = ["component-not-ready", "api-server-not-ready"];

function notReady(thrown: unknown): undefined {
  if (thrown instanceof TargetError && notReadyCodes.includes(thrown.code)) return undefined;
  throw thrown;
}
