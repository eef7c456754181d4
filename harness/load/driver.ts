import type { Alarm, Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Load, Phase } from "../run/schema.ts";
import { FailureTally } from "./failure-tally.ts";
import { LatencyHistogram } from "./histogram.ts";
import { InFlight } from "./in-flight.ts";
import type { Schedule } from "./schedule.ts";
import { SecondsRecorder } from "./seconds.ts";
import type { Sender } from "./sender.ts";

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
  /** When it was over, with an answer or without. */
  readonly overMs: number;
  readonly outcome: "ok" | "failed" | "dropped";
}

export interface LoadOptions {
  readonly schedule: Schedule;
  /** What the requests go through; it holds as many as the schedule, or more. */
  readonly sender: Sender;
  readonly clock: Clock;
  /** Ends the load early: nothing more is sent, and what is in flight is told. */
  readonly signal: AbortSignal;
  /** Open schedules only: a request that falls due while this many are in flight is held until one is answered. Default 64. */
  readonly inFlightMax?: number;
  /** Open schedules only: a request that was held for this long, in milliseconds, is dropped instead of sent. Default 10000. */
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
  /** How late a request of an open load was sent that could have been: what the client itself held up. Empty for a closed load. */
  readonly sendDelay: LatencyHistogram;
  /** By seconds of the load; can be gone through again and again. */
  readonly seconds: SecondsRecorder;
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
  /** Requests that failed or were dropped. */
  readonly failed: number;
  /** What the successful ones took together, from due to done. */
  readonly latency: { readonly count: number; readonly totalMs: number };
}

const inFlightMaxDefault = 64;
const dropAfterMsDefault = 10_000;
/** Reading the clock costs as much as the rest of sending: it is read again after so many requests that are sent in one go. */
const sendsPerReading = 8;

/**
 * Sends requests when a schedule says so and takes down when each was due, sent and done.
 *
 * With an open schedule time counts from when a request was due, so a server that stalls is charged for every request that fell due
 * meanwhile; measuring from when it was sent would leave them out ("coordinated omission", Gil Tene). With a closed schedule a request is
 * due when its worker is free, and such a stall shows once a worker.
 *
 * It is made to cost little, because what it costs is missing to the server beside it: there is no object, closure or promise a request, the
 * requests that are due and held are no queue but the part of the schedule that was not read yet, and answers that come together share one
 * reading of the clock.
 */
export class LoadDriver {
  readonly #options: LoadOptions;
  readonly #sender: Sender;
  readonly #clock: Clock;
  readonly #inFlightMax: number;
  readonly #dropAfterMs: number;
  /** Where the due times come from; undefined for a closed schedule. */
  readonly #nextDueMs: (() => number) | undefined;
  readonly #inFlight: InFlight;
  readonly #ended = Promise.withResolvers<void>();
  #alarm: Alarm | undefined;
  /** Monotonic time of the start; undefined before it. */
  #startMs: number | undefined;
  /** How many requests there are to send; no more than were sent once the load is cut short. */
  #count: number;
  /** When a closed load that has a duration ends. */
  #endMs = Number.POSITIVE_INFINITY;
  /** The request to send next, and when it is due by the monotonic clock. */
  #index = 0;
  #dueMs = 0;
  /** When the answers came that are being told; undefined between two turns. */
  #turnMs: number | undefined;
  #isCutShort = false;
  #ok = 0;
  #failed = 0;
  #dropped = 0;
  #failures = new FailureTally();
  #latency = LatencyHistogram.empty();
  #serviceTime = LatencyHistogram.empty();
  #sendDelay = LatencyHistogram.empty();
  #seconds = new SecondsRecorder();
  /** When a place became free after there was none; what is sent late until then is not the client's fault. */
  #freeSinceMs = 0;

  /** Throws RangeError for limits under which nothing could be sent, and for a sender that has fewer requests than the schedule. */
  constructor(options: LoadOptions) {
    const { schedule, sender, inFlightMax = inFlightMaxDefault, dropAfterMs = dropAfterMsDefault } = options;
    this.#options = options;
    this.#sender = sender;
    this.#clock = options.clock;
    this.#inFlightMax = schedule.model === "closed" ? schedule.inFlight : inFlightMax;
    this.#dropAfterMs = dropAfterMs;
    if (!(this.#inFlightMax >= 1)) throw new RangeError(`With at most ${this.#inFlightMax} requests in flight nothing can be sent.`);
    if (!(dropAfterMs > 0)) throw new RangeError(`A request cannot be dropped after ${dropAfterMs} ms.`);
    if (sender.count < schedule.count) throw new RangeError(`There are ${sender.count} requests for a schedule of ${schedule.count}.`);
    this.#count = schedule.count;
    this.#inFlight = new InFlight(this.#inFlightMax);
    this.#nextDueMs = schedule.model === "open" ? schedule.dueTimesMs() : undefined;
  }

  /**
   * Runs the schedule to its end, or to the signal's, and waits for every answer. Call it once. A failing request does not make it reject, nor does the signal: a load
   * that was cut short gives what it measured until then, and the signal tells. Rejects with TypeError when the sender breaks its contract.
   */
  async run(): Promise<LoadResult> {
    if (this.#startMs !== undefined) throw new TypeError("A load runs once.");
    const { schedule, signal } = this.#options;
    const startMs = this.#clock.monotonicMs();
    this.#startMs = startMs;
    this.#dueMs = startMs + (this.#nextDueMs?.() ?? 0);
    if (schedule.model === "closed" && schedule.durationMs !== undefined) this.#endMs = startMs + schedule.durationMs;
    this.#sender.onDone = this.#onDone;
    using alarm = this.#clock.startAlarm(this.#pump);
    this.#alarm = alarm;
    signal.addEventListener("abort", this.#cutShort);
    try {
      if (signal.aborted) this.#cutShort();
      else this.#pump();
      await this.#ended.promise;
    } finally {
      signal.removeEventListener("abort", this.#cutShort);
    }
    return {
      load:
        schedule.model === "open"
          ? { model: "open", arrivals: schedule.arrivals, ratePerSecond: schedule.ratePerSecond, inFlightMax: this.#inFlightMax }
          : { model: "closed", inFlight: schedule.inFlight },
      due: this.#ok + this.#failed + this.#dropped,
      ok: this.#ok,
      failed: this.#failed,
      dropped: this.#dropped,
      failures: this.#failures.mostFrequent(10),
      latency: this.#latency,
      serviceTime: this.#serviceTime,
      sendDelay: this.#sendDelay,
      seconds: this.#seconds,
      startMs,
      durationMs: this.#clock.monotonicMs() - startMs,
    };
  }

  /** How far the load is; cheap, and may be asked at any time. */
  progress(): LoadProgress {
    const failed = this.#failed + this.#dropped;
    return {
      done: this.#ok + failed,
      count: this.#options.schedule.count,
      inFlight: this.#inFlight.count,
      failed,
      latency: { count: this.#latency.count, totalMs: this.#latency.totalMs },
    };
  }

  /** Sends all that is due, as far as places are free, and sees to it that it is called again when there is more to do. */
  readonly #pump = (): void => {
    this.#turnMs = undefined;
    try {
      if (this.#nextDueMs === undefined) this.#sendToFree();
      else this.#sendDue(this.#nextDueMs);
    } catch (thrown) {
      this.#ended.reject(thrown);
    }
    this.#endIfIdle();
  };

  /** A worker that is free is due now. */
  #sendToFree(): void {
    let sends = 0;
    let nowMs = 0;
    while (this.#inFlight.count < this.#inFlightMax && this.#index < this.#count) {
      if (sends++ % sendsPerReading === 0) nowMs = this.#clock.monotonicMs();
      if (nowMs >= this.#endMs) {
        this.#count = this.#index;
        break;
      }
      this.#inFlight.add(this.#index, nowMs, nowMs);
      this.#sender.send(this.#index++);
    }
    if (sends > 0) this.#sender.flush();
  }

  #sendDue(nextDueMs: () => number): void {
    const startMs = this.#startMs ?? 0;
    let sends = 0;
    let nowMs = this.#clock.monotonicMs();
    for (; this.#index < this.#count && this.#dueMs <= nowMs; this.#index++, this.#dueMs = startMs + nextDueMs()) {
      if (nowMs - this.#dueMs >= this.#dropAfterMs) {
        this.#drop(this.#index, this.#dueMs, nowMs);
        continue;
      }
      if (this.#inFlight.count >= this.#inFlightMax) break;
      this.#sendDelay.recordMs(nowMs - Math.max(this.#dueMs, this.#freeSinceMs));
      this.#inFlight.add(this.#index, this.#dueMs, nowMs);
      this.#sender.send(this.#index);
      if (++sends % sendsPerReading === 0) nowMs = this.#clock.monotonicMs();
    }
    if (sends > 0) this.#sender.flush();
    // One that is held goes out with the next answer, or is dropped.
    if (this.#index < this.#count) this.#alarm?.set(this.#dueMs <= nowMs ? this.#dueMs + this.#dropAfterMs : this.#dueMs);
  }

  /** Takes down what came of a request. What follows is sent once, when all answers of this turn were told. */
  readonly #onDone = (index: number, status: number, failure: string | undefined): void => {
    if (this.#turnMs === undefined) {
      this.#turnMs = this.#clock.monotonicMs();
      if (this.#inFlight.count >= this.#inFlightMax) this.#freeSinceMs = this.#turnMs;
      queueMicrotask(this.#pump);
    }
    const doneMs = this.#turnMs;
    const startMs = this.#startMs ?? 0;
    const place = this.#inFlight.placeOf(index);
    if (place === -1) {
      this.#ended.reject(new TypeError(`Request ${index} is over, but was not in flight.`));
      return;
    }
    const dueMs = this.#inFlight.dueMs(place);
    const sentMs = this.#inFlight.sentMs(place);
    this.#inFlight.remove(place);
    if (failure === undefined) {
      this.#ok++;
      this.#seconds.ok(dueMs - startMs, doneMs - startMs);
      this.#latency.recordMs(doneMs - dueMs);
      this.#serviceTime.recordMs(doneMs - sentMs);
    } else {
      if (this.#isCutShort) return;
      this.#failed++;
      this.#seconds.failed(doneMs - startMs);
      this.#failures.add(status, failure);
    }
    // A gRPC call that succeeds has status 0 too.
    const isAnswered = failure === undefined || status !== 0;
    if (this.#options.onSample !== undefined) {
      const outcome = failure === undefined ? "ok" : "failed";
      this.#sample(index, { dueMs, sentMs, doneMs: isAnswered ? doneMs : null, status, overMs: doneMs, outcome });
    }
  };

  #drop(index: number, dueMs: number, nowMs: number): void {
    this.#dropped++;
    this.#seconds.dropped(nowMs - (this.#startMs ?? 0));
    if (this.#options.onSample === undefined) return;
    this.#sample(index, { dueMs, sentMs: null, doneMs: null, status: 0, overMs: nowMs, outcome: "dropped" });
  }

  #endIfIdle(): void {
    if (this.#inFlight.count === 0 && this.#index >= this.#count) this.#ended.resolve();
  }

  readonly #cutShort = (): void => {
    this.#isCutShort = true;
    this.#count = this.#index;
    this.#alarm?.set(Number.POSITIVE_INFINITY);
    this.#sender.abort(messageOf(this.#options.signal.reason));
    this.#endIfIdle();
  };

  /** The times are the monotonic clock's. */
  #sample(index: number, { dueMs, sentMs, doneMs, status, overMs, outcome }: Omit<LoadSample, "index">): void {
    const startMs = this.#startMs ?? 0;
    this.#options.onSample?.({
      index,
      dueMs: dueMs - startMs,
      sentMs: sentMs === null ? null : sentMs - startMs,
      doneMs: doneMs === null ? null : doneMs - startMs,
      status,
      overMs: overMs - startMs,
      outcome,
    });
  }
}
