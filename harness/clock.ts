import { setImmediate as nextTurn, setTimeout as sleepFor } from "node:timers/promises";

/** A pending timer; disposing of it before it fires stops it. */
export interface Timer extends Disposable {}

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
  /**
   * Resolves when {@link monotonicMs} has reached `monotonicMs`, as near to it as the clock can, at once if that is past; rejects with
   * the signal's reason when it aborts first. It may cost up to 2 ms of CPU a call: for schedules, not for waiting in general.
   */
  waitUntil(monotonicMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once, `ms` from now. */
  startTimer(ms: number, run: () => void): Timer;
}

/** How late a timer of Node.js, which counts whole milliseconds, usually fires; this last stretch is waited out turn by turn. */
const timerSlackMs = 1;

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
  async waitUntil(monotonicMs, signal) {
    const coarseMs = monotonicMs - performance.now() - timerSlackMs;
    if (coarseMs >= 1) await this.sleep(coarseMs, signal);
    while (performance.now() < monotonicMs) {
      signal?.throwIfAborted();
      await nextTurn();
    }
    signal?.throwIfAborted();
  },
  startTimer(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
