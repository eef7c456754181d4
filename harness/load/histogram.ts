import { decodeFromCompressedBase64, encodeIntoCompressedBase64, Int32Histogram, JsHistogram } from "hdr-histogram-js";
import { RunFolderError } from "../errors.ts";
import type { Latency } from "../run/schema.ts";

/** An hour in nanoseconds: whatever took longer is counted as an hour. */
const highestNs = 3_600_000_000_000;

/**
 * The buckets are HdrHistogram's for 3 significant digits: 2048 that are 1 ns wide, and for every power of two from there on 1024, each of
 * 2^(power - 10) ns. They are kept here because the library's own recording costs several times as much.
 */
const finestBuckets = 2048;
const finestPower = 11;
const bucketsPerPower = 1024;
const bucketCount = bucketOf(highestNs) + 1;

/** A distribution with nothing kept of the buckets that are empty: some kilobytes instead of 135. */
export interface CompactHistogram {
  readonly buckets: Uint16Array;
  readonly counts: Uint32Array;
  readonly extent: Extent;
}

/**
 * The sum of all durations, the shortest and the longest, ns. They lie in an array because numbers that are fields are not safe here: under load a
 * histogram was seen, once, that had its own buckets and the fields of another one, both having just been made compact (Node.js 24.21.0).
 */
type Extent = Float64Array;
const [sumAt, shortestAt, longestAt] = [0, 1, 2] as const;

/**
 * A distribution of durations with 3 significant digits: a quantile that is read off it is at most 0.1 % above the exact one and never
 * below it. Counts, minimum, maximum and mean are exact. A record costs some 10 ns and no memory; the whole takes 135 KiB.
 * Recording follows HdrHistogram (Gil Tene), so distributions can be added up, which percentiles cannot.
 */
export class LatencyHistogram {
  #counts = new Uint32Array(bucketCount);
  #count = 0;
  #extent: Extent = Float64Array.of(0, Number.POSITIVE_INFINITY, 0);

  static empty(): LatencyHistogram {
    return new LatencyHistogram();
  }

  /** Reads back what {@link toLatency} gave. Throws RunFolderError `histogram-unreadable` when the histogram is not the one it says it is. */
  static fromLatency(latency: Latency): LatencyHistogram {
    let counts: ReturnType<typeof decodeFromCompressedBase64>;
    try {
      counts = decodeFromCompressedBase64(latency.histogram);
    } catch (cause) {
      throw unreadable("it is not an HdrHistogram in compressed V2 form", cause);
    }
    if (!(counts instanceof JsHistogram)) throw unreadable("the library reads it as something else");
    if (counts.totalCount !== latency.count) throw unreadable(`it holds ${counts.totalCount} values instead of ${latency.count}`);
    const read = LatencyHistogram.empty();
    for (let index = 0; index < counts.countsArrayLength; index++) {
      const count = counts.getCountAtIndex(index);
      if (count === 0) continue;
      const bucket = bucketOf(Math.min(counts.valueFromIndex(index), highestNs));
      read.#counts[bucket] = (read.#counts[bucket] ?? 0) + count;
    }
    read.#count = latency.count;
    read.#extent.set([latency.mean * latency.count, latency.min, latency.max]);
    return read;
  }

  static fromCompact({ buckets, counts, extent }: CompactHistogram): LatencyHistogram {
    const histogram = LatencyHistogram.empty();
    for (const [at, bucket] of buckets.entries()) {
      const count = counts[at] ?? 0;
      histogram.#counts[bucket] = count;
      histogram.#count += count;
    }
    histogram.#extent.set(extent);
    return histogram;
  }

  toCompact(): CompactHistogram {
    const buckets: number[] = [];
    const counts: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) {
      if (count === 0) continue;
      buckets.push(bucket);
      counts.push(count);
    }
    return { buckets: Uint16Array.from(buckets), counts: Uint32Array.from(counts), extent: this.#extent.slice() };
  }

  /** How many durations were recorded. */
  get count(): number {
    return this.#count;
  }

  /** Of all that were recorded, milliseconds. */
  get totalMs(): number {
    return this.#sumNs / 1e6;
  }

  get #sumNs(): number {
    return this.#extent[sumAt] ?? 0;
  }

  get #minNs(): number {
    return this.#extent[shortestAt] ?? 0;
  }

  get #maxNs(): number {
    return this.#extent[longestAt] ?? 0;
  }

  /** Takes one duration, in nanoseconds; fractions are rounded. Throws RangeError for what is no duration. */
  recordNs(ns: number): void {
    if (!(ns >= 0)) throw new RangeError(`${ns} ns is no duration.`);
    const value = Math.min(Math.round(ns), highestNs);
    const bucket = bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    const extent = this.#extent;
    extent[sumAt] = this.#sumNs + value;
    if (value < this.#minNs) extent[shortestAt] = value;
    if (value > this.#maxNs) extent[longestAt] = value;
  }

  /** Takes one duration, in milliseconds. Throws RangeError for what is no duration. */
  recordMs(ms: number): void {
    this.recordNs(ms * 1e6);
  }

  /** Adds every duration of `other` to this one. */
  merge(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) if (count > 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#count += other.#count;
    this.#extent.set([this.#sumNs + other.#sumNs, Math.min(this.#minNs, other.#minNs), Math.max(this.#maxNs, other.#maxNs)]);
  }

  /** The duration in nanoseconds that `percent` of the recorded ones do not exceed (nearest rank); 0 when nothing was recorded. */
  quantileNs(percent: number): number {
    return this.quantilesNs([percent])[0] ?? 0;
  }

  /** The same of many percentages at once, which must rise. */
  quantilesNs(percents: readonly number[]): number[] {
    const found: number[] = [];
    let passed = 0;
    let bucket = -1;
    for (const percent of percents) {
      // 99.9 % of 1000 is 999, though its product may come out a rounding above.
      const rank = Math.max(1, Math.ceil(((percent * this.#count) / 100) * (1 - 1e-12)));
      while (passed < rank && bucket < bucketCount - 1) passed += this.#counts[++bucket] ?? 0;
      found.push(passed < rank ? this.#maxNs : Math.min(highestOf(bucket), this.#maxNs));
    }
    return found;
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
      histogram: encodeIntoCompressedBase64(this.#toLibrary()),
    };
  }

  #toLibrary(): Int32Histogram {
    const histogram = new Int32Histogram(1, highestNs, 3);
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) histogram.recordValueWithCount(highestOf(bucket), count);
    return histogram;
  }
}

/** The bucket of a whole number of nanoseconds, an hour at most. */
function bucketOf(ns: number): number {
  if (ns < finestBuckets) return ns;
  if (ns < 2 ** 31) {
    const power = 31 - Math.clz32(ns);
    return finestBuckets + (power - finestPower) * bucketsPerPower + (ns >>> (power - 10)) - bucketsPerPower;
  }
  // Its upper bits: integers of 32 bits are faster than any other arithmetic.
  const upper = Math.floor(ns / 2 ** 20);
  const power = 51 - Math.clz32(upper);
  return finestBuckets + (power - finestPower) * bucketsPerPower + (upper >>> (power - 30)) - bucketsPerPower;
}

/** The longest duration that falls into a bucket, ns. */
function highestOf(bucket: number): number {
  if (bucket < finestBuckets) return bucket;
  const power = Math.floor((bucket - finestBuckets) / bucketsPerPower) + finestPower;
  const within = ((bucket - finestBuckets) % bucketsPerPower) + bucketsPerPower;
  return (within + 1) * 2 ** (power - 10) - 1;
}

function unreadable(why: string, cause?: unknown): RunFolderError {
  return new RunFolderError("histogram-unreadable", `A latency histogram of the run cannot be read: ${why}.`, {
    hint: "The result was changed after it was written; make the run again.",
    cause,
  });
}
