import { decodeFromCompressedBase64, JsHistogram } from "hdr-histogram-js";
import { RunFolderError } from "../errors.ts";
import type { Latency } from "../run/schema.ts";

/** What the histograms of a phase hold together, for reading off ranks by the thousand: a histogram walks over all its buckets for each. */
export class Distribution {
  /** Ascending, nanoseconds. */
  readonly #values: Float64Array;
  /** How many observations are at most the value of the same index. */
  readonly #upTo: Float64Array;

  private constructor(values: Float64Array, upTo: Float64Array) {
    this.#values = values;
    this.#upTo = upTo;
  }

  /** Throws RunFolderError `histogram-unreadable` where one of them is no histogram. */
  static of(latencies: readonly Latency[]): Distribution {
    const counts = new Map<number, number>();
    for (const { histogram, max } of latencies) {
      for (const { ns, count } of bucketsOf(histogram)) {
        const value = Math.min(ns, max);
        counts.set(value, (counts.get(value) ?? 0) + count);
      }
    }
    const sorted = [...counts].sort(([a], [b]) => a - b);
    let total = 0;
    return new Distribution(
      Float64Array.from(sorted, ([value]) => value),
      Float64Array.from(sorted, ([, count]) => {
        total += count;
        return total;
      }),
    );
  }

  get count(): number {
    return this.#upTo.at(-1) ?? 0;
  }

  /** The observation of a rank that counts from 1. */
  atRank(rank: number): number {
    let low = 0;
    let high = this.#upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#upTo[middle] ?? 0) >= rank) high = middle;
      else low = middle + 1;
    }
    return this.#values[low] ?? 0;
  }

  /** The observation that `percent` of all do not exceed (nearest rank). */
  quantile(percent: number): number {
    return this.atRank(rankOf(percent, this.count));
  }

  /** How many observations are above `ns`. */
  above(ns: number): number {
    let low = 0;
    let high = this.#values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#values[middle] ?? 0) > ns) high = middle;
      else low = middle + 1;
    }
    return this.count - (this.#upTo[low - 1] ?? 0);
  }
}

/** The nearest rank of a quantile among `count` observations; from 1. */
export function rankOf(percent: number, count: number): number {
  // 99.9 % of 1000 is 999.0000000000001 in binary.
  return Math.max(1, Math.ceil((percent / 100) * count - 1e-9 * count));
}

function* bucketsOf(histogram: string): Generator<{ readonly ns: number; readonly count: number }> {
  const decoded = decode(histogram);
  const iterator = decoded.recordedValuesIterator;
  iterator.reset();
  while (iterator.hasNext()) {
    const { valueIteratedTo, countAddedInThisIterationStep } = iterator.next();
    yield { ns: decoded.highestEquivalentValue(valueIteratedTo), count: countAddedInThisIterationStep };
  }
}

function decode(histogram: string): JsHistogram {
  try {
    const decoded = decodeFromCompressedBase64(histogram);
    if (decoded instanceof JsHistogram) return decoded;
  } catch (cause) {
    throw unreadable(cause);
  }
  throw unreadable();
}

function unreadable(cause?: unknown): RunFolderError {
  return new RunFolderError(
    "histogram-unreadable",
    "A latency histogram of the run cannot be read: it is not an HdrHistogram in compressed V2 form.",
    {
      hint: "The result was changed after it was written; make the run again.",
      cause,
    },
  );
}
