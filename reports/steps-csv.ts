import { stringify } from "csv-stringify/sync";
import { oneLine } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** One row a step, for spreadsheets; the evidence is in the other reports. */
export const stepsCsv = {
  id: "steps-csv",
  file: "steps.csv",
  isFor: ({ steps }) => steps.length > 0,
  render: ({ steps }) =>
    stringify(
      steps.map(({ id, part, title, verdict, reason, durationMs }) => ({
        step: oneLine(id),
        part: oneLine(part),
        title: oneLine(title),
        verdict,
        reason: oneLine(reason ?? ""),
        duration_ms: durationMs,
      })),
      { header: true, columns: ["step", "part", "title", "verdict", "reason", "duration_ms"], escape_formulas: true },
    ),
} satisfies Reporter;
