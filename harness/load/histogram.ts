import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { RunFolderError } from "../errors.ts";
import type { Latency } from "../run/schema.ts";

/** An hour in nanoseconds: whatever took longer is counted as an hour. */
const highestNs = 3_600_000_000_000;

/**
 * A distribution of durations with 3 significant digits: a quantile that is read off it is at most 0.1 % above the exact one and never
 * below it. Counts, minimum, maximum and mean are exact. A record costs some 50 ns and no memory; the whole takes 135 KiB.
 * Recording follows HdrHistogram (Gil Tene), so distributions can be added up, which percentiles cannot.
 */
export class LatencyHistogram {
  #counts: Histogram;
  #minNs = Number.POSITIVE_INFINITY;
  #maxNs = 0;
  #sumNs = 0;

  private constructor(counts: Histogram) {
    this.#counts = counts;
  }

  static empty(): LatencyHistogram {
    return new LatencyHistogram(
      build({
        bitBucketSize: 32,
        autoResize: false,
        lowestDiscernibleValue: 1,
        highestTrackableValue: highestNs,
        numberOfSignificantValueDigits: 3,
      }),
    );
  }

  /** Reads back what {@link toLatency} gave. Throws RunFolderError `histogram-unreadable` when the histogram is not the one it says it is. */
  static fromLatency(latency: Latency): LatencyHistogram {
    let counts: Histogram;
    try {
      counts = decodeFromCompressedBase64(latency.histogram);
    } catch (cause) {
      throw unreadable("it is not an HdrHistogram in compressed V2 form", cause);
    }
    if (counts.totalCount !== latency.count) throw unreadable(`it holds ${counts.totalCount} values instead of ${latency.count}`);
    const read = LatencyHistogram.empty();
    read.#counts.add(counts);
    read.#minNs = latency.min;
    read.#maxNs = latency.max;
    read.#sumNs = latency.mean * latency.count;
    return read;
  }

  /** How many durations were recorded. */
  get count(): number {
    return this.#counts.totalCount;
  }

  /** Takes one duration, in nanoseconds; fractions are rounded. Throws RangeError for what is no duration. */
  recordNs(ns: number): void {
    if (!(ns >= 0)) throw new RangeError(`${ns} ns is no duration.`);
    const value = Math.min(Math.round(ns), highestNs);
    this.#counts.recordValue(value);
    this.#sumNs += value;
    if (value < this.#minNs) this.#minNs = value;
    if (value > this.#maxNs) this.#maxNs = value;
  }

  /** Takes one duration, in milliseconds. Throws RangeError for what is no duration. */
  recordMs(ms: number): void {
    this.recordNs(ms * 1e6);
  }

  /** Adds every duration of `other` to this one. */
  merge(other: LatencyHistogram): void {
    this.#counts.add(other.#counts);
    this.#sumNs += other.#sumNs;
    this.#minNs = Math.min(this.#minNs, other.#minNs);
    this.#maxNs = Math.max(this.#maxNs, other.#maxNs);
  }

  /** The duration in nanoseconds that `percent` of the recorded ones do not exceed (nearest rank); 0 when nothing was recorded. */
  quantileNs(percent: number): number {
    return Math.min(this.#counts.getValueAtPercentile(percent), this.#maxNs);
  }

  /** The form that a run folder keeps; null when nothing was recorded. */
  toLatency(): Latency | null {
    if (this.count === 0) return null;
    return {
      unit: "ns",
      count: this.count,
      min: this.#minNs,
      mean: this.#sumNs / this.count,
      p50: this.quantileNs(50),
      p90: this.quantileNs(90),
      p99: this.quantileNs(99),
      p999: this.quantileNs(99.9),
      max: this.#maxNs,
      histogram: encodeIntoCompressedBase64(this.#counts),
    };
  }
}

function unreadable(why: string, cause?: unknown): RunFolderError {
  return new RunFolderError("histogram-unreadable", `A latency histogram of the run cannot be read: ${why}.`, {
    hint: "The result was changed after it was written; make the run again.",
    cause,
  });
}
