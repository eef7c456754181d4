import { Random } from "../../harness/random.ts";

/** A figure of two tools, one value a round. */
export interface Figure {
  readonly name: string;
  readonly digits: number;
  readonly own: readonly number[];
  readonly theirs: readonly number[];
}

const resamples = 2000;

/** A Markdown table of medians over the rounds, and of the ratios within a round with their 95 % intervals. */
export function ratioTable(peer: string, figures: readonly Figure[]): string {
  const random = new Random("ratio-table");
  const rows = figures.map(({ name, digits, own, theirs }) => {
    const ratios = own.map((value, round) => value / (theirs[round] ?? Number.NaN));
    const [low, high] = interval(ratios, random);
    const ratio = `${median(ratios).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
    return `| ${name} | ${median(own).toFixed(digits)} | ${median(theirs).toFixed(digits)} | ${ratio} |`;
  });
  return [`| | kmsmark | ${peer} | ratio (95 % interval) |`, "|---|---|---|---|", ...rows].join("\n");
}

/** @returns 0 of no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
}

/** The 95 % interval of the median, by the bootstrap of percentiles. */
export function interval(values: readonly number[], random: Random): [number, number] {
  const medians = Array.from({ length: resamples }, () => median(values.map(() => values[random.below(values.length)] ?? 0)));
  const sorted = medians.toSorted((a, b) => a - b);
  return [sorted[Math.floor(0.025 * resamples)] ?? 0, sorted[Math.ceil(0.975 * resamples) - 1] ?? 0];
}
