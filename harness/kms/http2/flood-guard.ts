import type { Clock } from "../../clock.ts";

/** A client that pings, resets and changes its settings may do so this often at once, and then as fast as its allowance grows. */
const allowanceMax = 10_000;
const allowancePerSecond = 100;
/** A client in Go pings about once a call, to find out how much it may have under way. */
const allowancePerCall = 4;

/**
 * Tells a client that works from one that only makes work: frames that cost the server something and do nothing for a call, as in
 * CVE-2019-9512, -9515, -9518 and CVE-2023-44487, are counted against what the answered calls and time allow.
 */
export class FloodGuard {
  readonly #clock: Clock;
  #allowance = allowanceMax;
  #creditedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#creditedMs = clock.monotonicMs();
  }

  /** A call was answered. */
  earn(): void {
    if (this.#allowance < allowanceMax) this.#allowance += allowancePerCall;
  }

  /** One frame that does nothing for a call. Returns false where there were too many. */
  spend(): boolean {
    if (--this.#allowance > 0) return true;
    const nowMs = this.#clock.monotonicMs();
    this.#allowance = Math.min(allowanceMax, Math.floor(((nowMs - this.#creditedMs) / 1000) * allowancePerSecond));
    this.#creditedMs = nowMs;
    return this.#allowance > 0;
  }
}
