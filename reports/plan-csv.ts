import { stringify } from "csv-stringify/sync";
import { oneLine } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** One row a cause and method of what a plan predicts, for spreadsheets. */
export const planCsv = {
  id: "plan-csv",
  file: "plan.csv",
  isFor: ({ plan }) => plan !== null,
  render: ({ plan }) =>
    stringify(
      (plan?.calls ?? []).map(({ cause, method, total, perDay, perMonth, perSecondMean, perSecondPeak, reachesKms }) => ({
        cause: oneLine(cause),
        method: oneLine(method),
        reaches_kms: reachesKms ? 1 : 0,
        total_min: total.min,
        total_max: total.max,
        per_day_min: perDay.min,
        per_day_max: perDay.max,
        per_month_min: perMonth.min,
        per_month_max: perMonth.max,
        per_second_mean: perSecondMean,
        per_second_peak: perSecondPeak,
      })),
      { header: true, columns: [...columns], escape_formulas: true },
    ),
} satisfies Reporter;

const columns = [
  "cause",
  "method",
  "reaches_kms",
  "total_min",
  "total_max",
  "per_day_min",
  "per_day_max",
  "per_month_min",
  "per_month_max",
  "per_second_mean",
  "per_second_peak",
] as const;
