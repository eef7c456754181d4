import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Load, Phase } from "../run/schema.ts";
import { FailureTally } from "./failure-tally.ts";
import { LatencyHistogram } from "./histogram.ts";
import type { Schedule } from "./schedule.ts";

/** What came of a request. */
export interface Outcome {
  /** The protocol's own: an HTTP status or a gRPC code. */
  readonly status: number;
  /** Why it failed, without anything of a request's or an answer's body; undefined when it succeeded. */
  readonly failure: string | undefined;
}

/** One request, as {@link LoadOptions.onSample} gets it. Times are milliseconds since the load's start. */
export interface LoadSample {
  /** Counts from 0 in the order of the due times. */
  readonly index: number;
  readonly dueMs: number;
  /** Null for a request that was dropped. */
  readonly sentMs: number | null;
  /** Null where no answer came. */
  readonly doneMs: number | null;
  /** 0 where no answer came. */
  readonly status: number;
}

export interface LoadOptions {
  readonly schedule: Schedule;
  /**
   * Sends request `index` and resolves when its answer is complete. A rejection counts as a failure with status 0 and the error's message.
   * The signal is the load's own.
   */
  readonly send: (index: number, signal: AbortSignal) => Promise<Outcome>;
  readonly clock: Clock;
  /** Ends the load early: nothing more is sent, and what is in flight is told. */
  readonly signal: AbortSignal;
  /** Open schedules only: a request that falls due while this many are in flight is held until one is answered. Default 64. */
  readonly inFlightMax?: number;
  /** Open schedules only: a request that was held for longer than this, in milliseconds, is dropped instead of sent. Default 10000. */
  readonly dropAfterMs?: number;
  /** Called for every request when it is over, in the order in which they end; it must not throw. */
  readonly onSample?: (sample: LoadSample) => void;
}

/** What a load came to. A request that the signal cut off, or that was still held then, is in none of the counts. */
export interface LoadResult {
  readonly load: Load;
  /** `ok + failed + dropped`. */
  readonly due: number;
  readonly ok: number;
  readonly failed: number;
  readonly dropped: number;
  /** The distinct failures, most frequent first, at most ten. */
  readonly failures: Phase["failures"];
  /** From due to done, of the successful requests: what a client that does not wait for others would see. */
  readonly latency: LatencyHistogram;
  /** From sent to done, of the successful requests: what the server alone took. */
  readonly serviceTime: LatencyHistogram;
  /** By the clock's monotonic time. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** How far a load is. */
export interface LoadProgress {
  /** Requests that are over, dropped ones included. */
  readonly done: number;
  /** Requests that the schedule holds. */
  readonly count: number;
  readonly inFlight: number;
  /** Requests over per second since the start; 0 before it. */
  readonly ratePerSecond: number;
}

const inFlightMaxDefault = 64;
const dropAfterMsDefault = 10_000;

/**
 * Sends requests when a schedule says so and takes down when each was due, sent and done.
 *
 * With an open schedule time counts from when a request was due, so a server that stalls is charged for every request that fell due
 * meanwhile; measuring from when it was sent would leave them out ("coordinated omission", Gil Tene). With a closed schedule a request is
 * due when its worker is free, and such a stall shows once a worker.
 */
export class LoadDriver {
  #options: LoadOptions;
  #inFlightMax: number;
  #dropAfterMs: number;
  /** Monotonic time of the start; undefined before it. */
  #startMs: number | undefined;
  #inFlight = 0;
  #ok = 0;
  #failed = 0;
  #dropped = 0;
  #failures = new FailureTally();
  #latency = LatencyHistogram.empty();
  #serviceTime = LatencyHistogram.empty();
  /** Due and not sent yet, oldest first. */
  #held: { index: number; dueMs: number }[] = [];
  #isAllDue = false;
  /** Resolved when everything was due and nothing is held or in flight any more. */
  #idle = Promise.withResolvers<void>();

  constructor(options: LoadOptions) {
    const { schedule, inFlightMax = inFlightMaxDefault, dropAfterMs = dropAfterMsDefault } = options;
    this.#options = options;
    this.#inFlightMax = schedule.model === "closed" ? schedule.inFlight : inFlightMax;
    this.#dropAfterMs = dropAfterMs;
    if (!(this.#inFlightMax >= 1)) throw new RangeError(`With at most ${this.#inFlightMax} requests in flight nothing can be sent.`);
    if (!(dropAfterMs >= 0)) throw new RangeError(`A request cannot be dropped after ${dropAfterMs} ms.`);
  }

  /**
   * Runs the schedule to its end, or to the signal's, and waits for every answer. Call it once. A failing request does not make it reject, nor does the signal: a load
   * that was cut short gives what it measured until then, and the signal tells.
   */
  async run(): Promise<LoadResult> {
    const { schedule, clock } = this.#options;
    if (this.#startMs !== undefined) throw new TypeError("A load runs once.");
    const startMs = clock.monotonicMs();
    this.#startMs = startMs;
    if (schedule.model === "open") await this.#runOpen(schedule.dueTimesMs(), startMs);
    else await this.#runClosed(schedule.count, schedule.inFlight);
    return {
      load:
        schedule.model === "open"
          ? { model: "open", arrivals: "constant", ratePerSecond: schedule.ratePerSecond, inFlightMax: this.#inFlightMax }
          : { model: "closed", inFlight: schedule.inFlight },
      due: this.#ok + this.#failed + this.#dropped,
      ok: this.#ok,
      failed: this.#failed,
      dropped: this.#dropped,
      failures: this.#failures.mostFrequent(10),
      latency: this.#latency,
      serviceTime: this.#serviceTime,
      startMs,
      durationMs: clock.monotonicMs() - startMs,
    };
  }

  /** How far the load is; cheap, and may be asked at any time. */
  progress(): LoadProgress {
    const done = this.#ok + this.#failed + this.#dropped;
    const elapsedMs = this.#startMs === undefined ? 0 : this.#options.clock.monotonicMs() - this.#startMs;
    return {
      done,
      count: this.#options.schedule.count,
      inFlight: this.#inFlight,
      ratePerSecond: elapsedMs > 0 ? (done * 1000) / elapsedMs : 0,
    };
  }

  async #runOpen(dueTimesMs: Iterable<number>, startMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    let index = 0;
    for (const dueMs of dueTimesMs) {
      // Whatever is past already is sent without letting go, so that the driver catches up.
      if (startMs + dueMs > clock.monotonicMs() && !(await this.#isReached(startMs + dueMs))) break;
      if (signal.aborted) break;
      this.#held.push({ index: index++, dueMs: startMs + dueMs });
      this.#sendHeld();
    }
    if (this.#inFlight === 0) this.#idle.resolve();
    this.#isAllDue = true;
    await this.#idle.promise;
  }

  /** Waits for a due time; false when the signal came first. */
  async #isReached(monotonicMs: number): Promise<boolean> {
    const { clock, signal } = this.#options;
    try {
      await clock.waitUntil(monotonicMs, signal);
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      throw thrown;
    }
  }

  /** Sends what is held, as far as places are free, and drops what was held for too long. */
  #sendHeld(): void {
    const { clock, signal } = this.#options;
    if (signal.aborted) this.#held = [];
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      const isTooLate = clock.monotonicMs() - next.dueMs > this.#dropAfterMs;
      if (!isTooLate && this.#inFlight >= this.#inFlightMax) return;
      this.#held.shift();
      if (isTooLate) this.#drop(next);
      else void this.#sendOne(next).then(() => this.#sendHeld());
    }
    if (this.#isAllDue && this.#inFlight === 0) this.#idle.resolve();
  }

  async #runClosed(count: number, workers: number): Promise<void> {
    const { clock, signal } = this.#options;
    let index = 0;
    const work = async () => {
      while (index < count && !signal.aborted) await this.#sendOne({ index: index++, dueMs: clock.monotonicMs() });
    };
    await Promise.all(Array.from({ length: Math.min(workers, count) }, work));
  }

  /** Sends one request and takes down what came of it. Never rejects. */
  async #sendOne({ index, dueMs }: { index: number; dueMs: number }): Promise<void> {
    const { send, clock, signal } = this.#options;
    const sentMs = clock.monotonicMs();
    this.#inFlight++;
    let outcome: Outcome;
    let doneMs: number | undefined;
    try {
      outcome = await send(index, signal);
      doneMs = clock.monotonicMs();
    } catch (thrown) {
      outcome = { status: 0, failure: messageOf(thrown) };
    }
    this.#inFlight--;
    if (outcome.failure !== undefined && signal.aborted) return;
    if (outcome.failure === undefined && doneMs !== undefined) {
      this.#ok++;
      this.#latency.recordMs(doneMs - dueMs);
      this.#serviceTime.recordMs(doneMs - sentMs);
    } else {
      this.#failed++;
      this.#failures.add(outcome.status, outcome.failure ?? "");
    }
    this.#sample({ index, dueMs, sentMs, doneMs, status: outcome.status });
  }

  #drop({ index, dueMs }: { index: number; dueMs: number }): void {
    this.#dropped++;
    this.#sample({ index, dueMs, sentMs: undefined, doneMs: undefined, status: 0 });
  }

  #sample(sample: { index: number; dueMs: number; sentMs: number | undefined; doneMs: number | undefined; status: number }): void {
    const { onSample } = this.#options;
    const startMs = this.#startMs;
    if (onSample === undefined || startMs === undefined) return;
    const sinceStart = (monotonicMs: number | undefined) => (monotonicMs === undefined ? null : monotonicMs - startMs);
    onSample({
      index: sample.index,
      dueMs: sample.dueMs - startMs,
      sentMs: sinceStart(sample.sentMs),
      doneMs: sinceStart(sample.doneMs),
      status: sample.status,
    });
  }
}
