import type { Comparison } from "../harness/run/comparison.ts";

/** One output format of a comparison, as a Reporter is one of a result. */
export interface ComparisonReporter {
  /** The name of the reporter's own file. */
  readonly id: string;
  readonly file: string;
  render(comparison: Comparison): string | Promise<string>;
}
