import { drawLatencyMs } from "../kms/fault.ts";
import type { Random } from "../random.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Fleet } from "./fleet.ts";
import type { Cause, Ledger, PlanMethod } from "./ledger.ts";

/** A call of an API server on its plugin. */
export interface PluginCall {
  readonly method: PlanMethod;
  readonly cause: Cause;
  readonly deadlineMs: number;
  /** Names what equal Decrypts ask for; undefined for the other methods. */
  readonly decrypts: string | undefined;
}

/** The plugins of a fleet, and the one KMS behind them: latency, quota, outages. */
export class ModelledKms {
  /** Calls that reached the KMS, which is what the quota and the bill count. */
  calls = 0;
  /** The most of them that arrived in one whole second. */
  perSecondMax = 0;
  readonly #queue: EventQueue;
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #outage: { readonly fromMs: number; readonly toMs: number } | undefined;
  readonly #underWay = new Map<string, ((isAnswered: boolean) => void)[]>();
  #tokens: number;
  #tokensAtMs = 0;
  #second = -1;
  #inSecond = 0;

  constructor(
    queue: EventQueue,
    options: {
      readonly fleet: Fleet;
      readonly random: Random;
      readonly ledger: Ledger;
      readonly outage?: { readonly fromMs: number; readonly toMs: number } | undefined;
    },
  ) {
    this.#queue = queue;
    this.#fleet = options.fleet;
    this.#random = options.random;
    this.#ledger = options.ledger;
    this.#outage = options.outage;
    this.#tokens = options.fleet.quota ?? 0;
  }

  /** Makes the call; `done` is told whether it was answered before its deadline. */
  call(call: PluginCall, done: (isAnswered: boolean) => void): void {
    this.#ledger.add(call.cause, call.method);
    const times = this.#callsFor(call.method);
    if (times === 0) {
      this.#queue.at(this.#queue.nowMs, () => done(true));
    } else if (call.decrypts !== undefined && this.#fleet.coalesce) {
      this.#shared(call, call.decrypts, done);
    } else {
      this.#ask(call, times, done);
    }
  }

  #callsFor(method: PlanMethod): number {
    if (method === "Status") return this.#fleet.callsPerStatus;
    return method === "Version" ? 0 : 1;
  }

  /** Joins an equal Decrypt that is under way. */
  #shared(call: PluginCall, decrypts: string, done: (isAnswered: boolean) => void): void {
    const waiting = this.#underWay.get(decrypts);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    const all = [done];
    this.#underWay.set(decrypts, all);
    this.#ask(call, 1, (isAnswered) => {
      this.#underWay.delete(decrypts);
      for (const each of all) each(isAnswered);
    });
  }

  /** Asks the KMS, as often as it takes, one call after the other. */
  #ask(call: PluginCall, times: number, done: (isAnswered: boolean) => void): void {
    const { nowMs } = this.#queue;
    const waitMs = this.#waitForQuotaMs(nowMs, call.deadlineMs);
    if (waitMs === undefined) {
      this.#queue.at(this.#fleet.onQuota === "refuse" ? nowMs : call.deadlineMs, () => done(false));
      return;
    }
    this.#count(nowMs + waitMs);
    const latencyMs = drawLatencyMs(this.#fleet.kmsLatency, this.#random);
    const endMs = nowMs + waitMs + latencyMs;
    if (this.#isOut(nowMs + waitMs)) {
      // The plugin has an error to tell after the time that a call takes.
      this.#queue.at(Math.min(endMs, call.deadlineMs), () => done(false));
    } else if (endMs > call.deadlineMs) {
      this.#queue.at(call.deadlineMs, () => done(false));
    } else {
      this.#queue.at(endMs, () => (times === 1 ? done(true) : this.#ask(call, times - 1, done)));
    }
  }

  #isOut(atMs: number): boolean {
    return this.#outage !== undefined && atMs >= this.#outage.fromMs && atMs < this.#outage.toMs;
  }

  /**
   * A bucket that holds one second's worth of calls and fills evenly. How the real ones count within a second is not published.
   * Undefined where the call finds no room before its deadline, or may not wait for it.
   */
  #waitForQuotaMs(nowMs: number, deadlineMs: number): number | undefined {
    const { quota, onQuota } = this.#fleet;
    if (quota === undefined) return 0;
    const held = Math.max(1, quota);
    this.#tokens = Math.min(held, this.#tokens + ((nowMs - this.#tokensAtMs) / 1000) * quota);
    this.#tokensAtMs = nowMs;
    const waitMs = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / quota) * 1000;
    if (waitMs > 0 && (onQuota === "refuse" || nowMs + waitMs >= deadlineMs)) return undefined;
    this.#tokens -= 1;
    return waitMs;
  }

  #count(atMs: number): void {
    this.calls++;
    const second = Math.floor(atMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    this.#inSecond++;
    this.perSecondMax = Math.max(this.perSecondMax, this.#inSecond);
  }
}
