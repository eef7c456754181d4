import type { ComparisonReporter } from "./comparison-reporter.ts";

/** The comparison itself, as `harness/run/comparison.ts` describes it. */
export const comparisonJson = {
  id: "comparison-json",
  file: "comparison.json",
  render: (comparison) => `${JSON.stringify(comparison, null, 2)}\n`,
} satisfies ComparisonReporter;
