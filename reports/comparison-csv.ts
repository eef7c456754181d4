import { stringify } from "csv-stringify/sync";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { oneLine } from "./escape.ts";

/** One row a figure, for spreadsheets: times in nanoseconds, sizes in bytes. */
export const comparisonCsv = {
  id: "comparison-csv",
  file: "comparison.csv",
  isFor: ({ compared }) => compared.length > 0,
  render: ({ compared }) =>
    stringify(
      compared.map(
        ({ metric, cell, phase, figure, dimension, basis, units, base, other, ratio, difference, p, pAdjusted, verdict, reason }) => ({
          metric: oneLine(metric),
          cell: oneLine(cell),
          phase: oneLine(phase),
          figure: oneLine(figure),
          ...{ dimension, basis },
          units_a: units.base,
          units_b: units.other,
          ...{ a: base?.value, a_low: base?.low, a_high: base?.high },
          ...{ b: other?.value, b_low: other?.low, b_high: other?.high },
          ...{ ratio: ratio?.value, ratio_low: ratio?.low, ratio_high: ratio?.high },
          ...{ difference: difference?.value, difference_low: difference?.low, difference_high: difference?.high },
          ...{ p, p_adjusted: pAdjusted, verdict, reason: oneLine(reason ?? "") },
        }),
      ),
      { header: true, columns: [...columns], escape_formulas: true },
    ),
} satisfies ComparisonReporter;

const columns = [
  ...["metric", "cell", "phase", "figure", "dimension", "basis", "units_a", "units_b"],
  ...["a", "a_low", "a_high", "b", "b_low", "b_high", "ratio", "ratio_low", "ratio_high"],
  ...["difference", "difference_low", "difference_high", "p", "p_adjusted", "verdict", "reason"],
] as const;
