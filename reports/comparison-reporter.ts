import type { Comparison } from "../harness/run/comparison.ts";

/** One output format of a comparison, as a Reporter is one of a result. */
export interface ComparisonReporter {
  /** The name of the reporter's own file. */
  readonly id: string;
  readonly file: string;
  /** Whether there is anything in the comparison for it to show; without this there always is. */
  isFor?(comparison: Comparison): boolean;
  render(comparison: Comparison): string | Promise<string>;
}
