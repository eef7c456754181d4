import { stringify } from "csv-stringify/sync";
import { oneLine } from "./escape.ts";
import { sweepFigures } from "./plan.ts";
import type { Reporter } from "./reporter.ts";

/** One row a value of a plan's sweep, for spreadsheets; a figure that is never reached is empty. */
export const sweepCsv = {
  id: "sweep-csv",
  file: "sweep.csv",
  isFor: ({ plan }) => plan?.sweep != null,
  render: ({ plan }) => {
    const name = oneLine(plan?.sweep?.name ?? "value");
    return stringify(
      (plan?.sweep?.points ?? []).map(({ value, figures }) => [value, ...sweepFigures.map(({ of }) => of(figures))]),
      { header: true, columns: [name, ...sweepFigures.map(({ id }) => id)], escape_formulas: true },
    );
  },
} satisfies Reporter;
