import type { Clock } from "../../../harness/clock.ts";
import type { QuotaName } from "./service.ts";

/**
 * Calls a second, per account and region (spec alibaba-cloud 1.7 and 4.1). None of them can be raised for the real account.
 * - `crypto`: all that encrypts and decrypts with symmetric keys, together
 * - `metadata`: reading about keys, versions and aliases
 * - `change`: changing keys and aliases
 */
export const defaultQuotas: Readonly<Record<QuotaName, number>> = {
  crypto: 1000,
  metadata: 50,
  change: 30,
  "create-key": 10,
  "lookup-events": 2,
};

/** Token buckets that hold one second's worth of calls and fill evenly. How the real one counts within a second is not known. */
export class Quotas {
  readonly #perSecond: Readonly<Record<QuotaName, number>>;
  readonly #clock: Clock;
  readonly #buckets = new Map<QuotaName, { tokens: number; atMs: number }>();

  constructor(perSecond: Partial<Record<QuotaName, number>>, clock: Clock) {
    this.#perSecond = { ...defaultQuotas, ...perSecond };
    this.#clock = clock;
  }

  /** 0 where the call may go on; otherwise after how many milliseconds another one may. */
  take(name: QuotaName): number {
    const perSecond = this.#perSecond[name];
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(name) ?? { tokens: perSecond, atMs: nowMs };
    const tokens = Math.min(perSecond, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    const isEnough = tokens >= 1;
    this.#buckets.set(name, { tokens: isEnough ? tokens - 1 : tokens, atMs: nowMs });
    return isEnough ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
  }
}
