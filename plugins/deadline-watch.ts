import type { Clock, Timer } from "../harness/clock.ts";

/** What ends at a time of its own. */
export interface Expiring {
  /** On the watch's monotonic clock. */
  readonly deadlineMs: number;
  /** Called once, at the deadline. */
  expire(): void;
}

/**
 * One timer for the deadlines of all that is under way, since a timer for each costs more than a fast call. It is set for the next
 * deadline and left alone while calls come and go: callers mostly give all their calls the same time, so that it rarely has to move.
 */
export class DeadlineWatch<Watched extends Expiring> implements Disposable {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is watched now, in the order in which it was added. */
  get watched(): Iterable<Watched> {
    return this.#watched;
  }

  add(expiring: Watched): void {
    this.#watched.add(expiring);
    if (expiring.deadlineMs < this.#timerMs) this.#setTimer(expiring.deadlineMs);
  }

  delete(expiring: Watched): void {
    this.#watched.delete(expiring);
  }

  [Symbol.dispose](): void {
    this.#watched.clear();
    this.#timer?.[Symbol.dispose]();
  }

  #setTimer(atMs: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timerMs = atMs;
    this.#timer = Number.isFinite(atMs) ? this.#clock.startTimer(atMs - this.#clock.monotonicMs(), () => this.#expire()) : undefined;
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const expiring of this.#watched) {
      if (expiring.deadlineMs <= nowMs) {
        this.#watched.delete(expiring);
        expiring.expire();
      } else {
        nextMs = Math.min(nextMs, expiring.deadlineMs);
      }
    }
    this.#setTimer(nextMs);
  }
}
