import { setTimeout as sleepFor } from "node:timers/promises";

/** A pending timer; disposing of it before it fires stops it. */
export interface Timer extends Disposable {}

/** Rings when a time is reached; disposing of it silences it. It keeps the process alive while it is set. */
export interface Alarm extends Disposable {
  /** Sets the monotonic time at which it rings next, once, instead of the one that it was set to; infinity sets it to none. */
  set(monotonicMs: number): void;
}

/**
 * The only source of time in kmsmark. It is handed to whatever needs it, so that the same code runs in real time and, in tests and in
 * the planner, in virtual time.
 */
export interface Clock {
  /** Milliseconds, with fractions, since an arbitrary origin; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  wallMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once, `ms` from now. */
  startTimer(ms: number, run: () => void): Timer;
  /**
   * An alarm that calls `ring` when the time is reached that it was set to, as near to it as the clock can and never earlier, soon if that is past; never from
   * inside `set`. It may cost up to 2 ms of CPU a ring: for schedules, not for waiting in general.
   */
  startAlarm(ring: () => void): Alarm;
}

/** How late a timer of Node.js, which counts whole milliseconds, usually fires; this last stretch is waited out turn by turn. */
const timerSlackMs = 1;
/** The longest that a timer of Node.js can wait; it fires at once when asked for more. */
const timeoutMsMax = 2 ** 31 - 1;

class SystemAlarm implements Alarm {
  readonly #ring: () => void;
  #dueMs = Number.POSITIVE_INFINITY;
  #timeout: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  set(monotonicMs: number): void {
    if (monotonicMs === this.#dueMs) return;
    this[Symbol.dispose]();
    this.#dueMs = monotonicMs;
    if (monotonicMs !== Number.POSITIVE_INFINITY) this.#wait(performance.now());
  }

  #wait(nowMs: number): void {
    const coarseMs = Math.min(this.#dueMs - nowMs - timerSlackMs, timeoutMsMax);
    if (coarseMs >= 1) this.#timeout = setTimeout(this.#look, coarseMs);
    else this.#immediate = setImmediate(this.#look);
  }

  readonly #look = () => {
    const nowMs = performance.now();
    if (nowMs < this.#dueMs) return this.#wait(nowMs);
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#ring();
  };

  [Symbol.dispose](): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
  }
}

/** Real time. A pending timer of this clock does not keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await sleepFor(ms, undefined, signal === undefined ? undefined : { signal });
    } catch (thrown) {
      throw signal?.aborted === true ? signal.reason : thrown;
    }
  },
  startTimer(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  startAlarm: (ring) => new SystemAlarm(ring),
};
