import { extname } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { Worker } from "node:worker_threads";

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
   * inside `set`. It may cost some 0.2 ms of CPU a ring: for schedules, not for waiting in general.
   */
  startAlarm(ring: () => void): Alarm;
}

/**
 * A thread that sleeps for an alarm. Timers of Node.js count whole milliseconds, and to wait out the rest turn by turn takes half a core from the server
 * that is measured; a thread wakes to some 0.1 ms and costs 0.05 ms a time.
 */
class Sleeper {
  /** One that no alarm has at the moment; it is kept, because to start one takes some 40 ms. */
  static #idle: Sleeper | undefined;

  readonly #cells = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;
  #set = 0;
  #isOnline = false;
  #wake: () => void = () => {};

  static take(): Sleeper {
    const sleeper = Sleeper.#idle ?? new Sleeper();
    Sleeper.#idle = undefined;
    return sleeper;
  }

  private constructor() {
    this.#cells[1] = -1;
    this.#worker = new Worker(new URL(`./clock-worker${extname(import.meta.url)}`, import.meta.url), { workerData: this.#cells });
    this.#worker.unref();
    this.#worker.once("online", () => {
      this.#isOnline = true;
    });
    this.#worker.on("message", (set: unknown) => {
      if (set === this.#set) this.#wake();
    });
  }

  /** Whether it has come up by now. */
  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Calls `wake` once, after `ms`, instead of what it was to call before. */
  sleep(ms: number, wake: () => void): void {
    this.#wake = wake;
    this.#worker.ref();
    this.#set = (this.#set + 1) | 0;
    Atomics.store(this.#cells, 1, Math.round(Math.min(ms * 1000, 2 ** 31 - 1)));
    Atomics.store(this.#cells, 0, this.#set);
    Atomics.notify(this.#cells, 0);
  }

  /** Calls nothing any more, and does not keep the process alive. The thread is not told: what it sends is ignored. */
  rest(): void {
    this.#wake = () => {};
    this.#worker.unref();
  }

  giveBack(): void {
    this.rest();
    if (Sleeper.#idle === undefined) Sleeper.#idle = this;
    else void this.#worker.terminate();
  }
}

/** The last stretch before an alarm, which is waited out turn by turn: about as long as a sleeper may be late. */
const lastStretchMs = 0.12;
/** Until a sleeper has come up, a timer of Node.js stands in, which is up to a millisecond late. */
const timerSlackMs = 1;
/** The longest that a timer of Node.js can wait; it fires at once when asked for more. */
const timeoutMsMax = 2 ** 31 - 1;

class SystemAlarm implements Alarm {
  readonly #ring: () => void;
  #dueMs = Number.POSITIVE_INFINITY;
  #sleeper: Sleeper | undefined;
  #isAsleep = false;
  #timeout: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  set(monotonicMs: number): void {
    if (monotonicMs === this.#dueMs) return;
    this.#stop();
    this.#dueMs = monotonicMs;
    if (monotonicMs !== Number.POSITIVE_INFINITY) this.#wait(performance.now());
  }

  #wait(nowMs: number): void {
    const coarseMs = this.#dueMs - nowMs - lastStretchMs;
    if (coarseMs < lastStretchMs) {
      this.#immediate = setImmediate(this.#look);
      return;
    }
    this.#sleeper ??= Sleeper.take();
    if (this.#sleeper.isOnline) {
      this.#isAsleep = true;
      this.#sleeper.sleep(coarseMs, this.#look);
    } else if (coarseMs >= timerSlackMs + 1) {
      this.#timeout = setTimeout(this.#look, Math.min(coarseMs - timerSlackMs, timeoutMsMax));
    } else {
      this.#immediate = setImmediate(this.#look);
    }
  }

  readonly #look = () => {
    const nowMs = performance.now();
    if (nowMs < this.#dueMs) {
      this.#wait(nowMs);
      return;
    }
    this.#stop();
    this.#ring();
  };

  #stop(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
    if (this.#isAsleep) this.#sleeper?.rest();
    this.#isAsleep = false;
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#sleeper?.giveBack();
    this.#sleeper = undefined;
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
