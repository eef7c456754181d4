import { stringify } from "csv-stringify/sync";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { turnOf } from "./comparison-words.ts";
import { oneLine } from "./escape.ts";

/** One row a check of either run, for spreadsheets. */
export const comparisonChecksCsv = {
  id: "comparison-checks-csv",
  file: "comparison-checks.csv",
  isFor: ({ checks }) => checks.length > 0,
  render: ({ checks }) =>
    stringify(
      checks.map((check) => ({
        area: check.area,
        check: oneLine(check.id),
        level: check.level,
        a: check.base?.verdict,
        b: check.other?.verdict,
        change: turnOf(check),
        why_a: oneLine(check.base?.told ?? ""),
        why_b: oneLine(check.other?.told ?? ""),
        title: oneLine(check.title),
      })),
      { header: true, columns: ["area", "check", "level", "a", "b", "change", "why_a", "why_b", "title"], escape_formulas: true },
    ),
} satisfies ComparisonReporter;
