import type { Alarm, Clock, Timer } from "./clock.ts";

/** A clock that stands still until it is told to advance. Timers fire in the order of their due times, then of their creation. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOriginMs: number;
  #sequence = 0;
  #pending: { dueMs: number; sequence: number; run: () => void }[] = [];

  readonly #isQuiet: () => boolean;

  /**
   * @param wallOriginMs - what `wallMs()` says at the start; the default is 2026-01-01T00:00:00Z.
   * @param isQuiet - false while something is under way that takes real time, such as a call over a socket: time stands still until it is over.
   */
  constructor(wallOriginMs = Date.UTC(2026, 0, 1), isQuiet: () => boolean = () => true) {
    this.#wallOriginMs = wallOriginMs;
    this.#isQuiet = isQuiet;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOriginMs + this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const onAbort = () => {
        timer[Symbol.dispose]();
        reject(signal?.reason);
      };
      const timer = this.#startTimerAt(this.#nowMs + ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  startTimer(ms: number, run: () => void): Timer {
    return this.#startTimerAt(this.#nowMs + Math.max(0, ms), run);
  }

  startAlarm(ring: () => void): Alarm {
    let timer: Timer | undefined;
    return {
      set: (monotonicMs) => {
        timer?.[Symbol.dispose]();
        timer = monotonicMs === Number.POSITIVE_INFINITY ? undefined : this.#startTimerAt(monotonicMs, ring);
      },
      [Symbol.dispose]: () => timer?.[Symbol.dispose](),
    };
  }

  #startTimerAt(dueMs: number, run: () => void): Timer {
    const entry = { dueMs: Math.max(this.#nowMs, dueMs), sequence: this.#sequence++, run };
    this.#pending.push(entry);
    return {
      [Symbol.dispose]: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  /** Moves time on by `ms`, firing what falls due, and lets promises settle between two timers. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.#settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#pending = this.#pending.filter((other) => other !== next);
      this.#nowMs = next.dueMs;
      next.run();
      await this.#settle();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number) {
    return this.#pending.filter((entry) => entry.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence)[0];
  }

  /** Lets every promise callback that is ready, and those they make ready, run. */
  async #settle(): Promise<void> {
    do await nextTurn();
    while (!this.#isQuiet());
    // What has just ended may have begun something else.
    await nextTurn();
    if (!this.#isQuiet()) await this.#settle();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
