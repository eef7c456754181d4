import { type CompactHistogram, LatencyHistogram } from "./histogram.ts";

/** What ended in one second of a load, and how long those took that fell due in it: a stall is seen when it was, not when it was over. */
export interface SecondOfLoad {
  /** Counts from the load's start. */
  readonly second: number;
  readonly ok: number;
  readonly failed: number;
  readonly dropped: number;
  /** Of the successful requests that fell due in it. */
  readonly latency: LatencyHistogram;
}

/** How many seconds are kept ready to be recorded to. A second that is older is compact, and is unfolded when an answer comes that late. */
const openMax = 4;

/** Takes a load down by seconds, at some kilobytes a second. */
export class SecondsRecorder {
  #ok = new SecondCounts();
  #failed = new SecondCounts();
  #dropped = new SecondCounts();
  /** The one recorded to last comes last. */
  #open = new Map<number, LatencyHistogram>();
  #compact = new Map<number, CompactHistogram>();
  #lastSecond = -1;
  #last = LatencyHistogram.empty();

  /** Takes down a success. Times are milliseconds since the load's start. */
  ok(dueMs: number, doneMs: number): void {
    this.#ok.add(Math.floor(doneMs / 1000));
    const second = Math.floor(dueMs / 1000);
    if (second !== this.#lastSecond) this.#turnTo(second);
    this.#last.recordMs(doneMs - dueMs);
  }

  failed(doneMs: number): void {
    this.#failed.add(Math.floor(doneMs / 1000));
  }

  dropped(droppedMs: number): void {
    this.#dropped.add(Math.floor(droppedMs / 1000));
  }

  /** The seconds in which anything fell due or ended, in their order. */
  *seconds(): Generator<SecondOfLoad, void> {
    const last = Math.max(this.#ok.length, this.#failed.length, this.#dropped.length);
    for (let second = 0; second < last; second++) {
      const [open, compact] = [this.#open.get(second), this.#compact.get(second)];
      const [ok, failed, dropped] = [this.#ok.at(second), this.#failed.at(second), this.#dropped.at(second)];
      if (ok + failed + dropped === 0 && open === undefined && compact === undefined) continue;
      const latency = open ?? (compact === undefined ? LatencyHistogram.empty() : LatencyHistogram.fromCompact(compact));
      yield { second, ok, failed, dropped, latency };
    }
  }

  #turnTo(second: number): void {
    const compact = this.#compact.get(second);
    const histogram = this.#open.get(second) ?? (compact === undefined ? LatencyHistogram.empty() : LatencyHistogram.fromCompact(compact));
    this.#open.delete(second);
    this.#open.set(second, histogram);
    for (const [oldest, folded] of this.#open) {
      if (this.#open.size <= openMax) break;
      this.#open.delete(oldest);
      this.#compact.set(oldest, folded.toCompact());
    }
    this.#lastSecond = second;
    this.#last = histogram;
  }
}

/** A count for each second, which grows with the load. */
class SecondCounts {
  #counts = new Uint32Array(64);
  /** One more than the last second that has a count. */
  length = 0;

  add(second: number): void {
    if (second >= this.length) this.#grow(second + 1);
    this.#counts[second] = this.at(second) + 1;
  }

  at(second: number): number {
    return this.#counts[second] ?? 0;
  }

  #grow(length: number): void {
    this.length = length;
    if (length <= this.#counts.length) return;
    const grown = new Uint32Array(length * 2);
    grown.set(this.#counts);
    this.#counts = grown;
  }
}
