import { stringify } from "csv-stringify/sync";
import { byArea } from "./checks.ts";
import { oneLine } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** One row a check, for spreadsheets; the evidence is in the other reports. */
export const checksCsv = {
  id: "checks-csv",
  file: "checks.csv",
  isFor: ({ checks }) => checks.length > 0,
  render: ({ checks }) =>
    stringify(
      byArea(checks).flatMap(([, ofArea]) =>
        ofArea.map(({ id, area, level, invariants, verdict, reason, title, source, durationMs }) => ({
          area,
          check: oneLine(id),
          level,
          invariants: oneLine(invariants.join(" ")),
          verdict,
          reason: oneLine(reason ?? ""),
          title: oneLine(title),
          source: oneLine(source),
          duration_ms: durationMs,
        })),
      ),
      {
        header: true,
        columns: ["area", "check", "level", "invariants", "verdict", "reason", "title", "source", "duration_ms"],
        escape_formulas: true,
      },
    ),
} satisfies Reporter;
