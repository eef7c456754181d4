import { join } from "node:path";
import { comparisonReporters } from "../../reports/comparison.ts";
import type { ComparisonReporter } from "../../reports/comparison-reporter.ts";
import { reporters } from "../../reports/index.ts";
import type { Reporter } from "../../reports/reporter.ts";
import { type Comparison, comparisonSchema } from "../run/comparison.ts";
import { type Result, resultSchema } from "../run/schema.ts";
import { writeWhole } from "../run/write-whole.ts";

/**
 * Writes every report of a result into its run folder; the journal and the samples stay as they are. Each file is exchanged in one step,
 * so that nobody reads half of one. Fails with a RunFolderError where one cannot be written.
 */
export async function writeReports(folder: string, result: Result): Promise<void> {
  const checked = resultSchema.parse(result);
  for (const { file, render } of reporters.filter((reporter: Reporter) => reporter.isFor?.(checked) ?? true)) {
    await writeWhole(join(folder, file), await render(checked));
  }
}

/** The same of a comparison. */
export async function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  const checked = comparisonSchema.parse(comparison);
  const wanted = comparisonReporters.filter((reporter: ComparisonReporter) => reporter.isFor?.(checked) ?? true);
  for (const { file, render } of wanted) await writeWhole(join(folder, file), await render(checked));
}
