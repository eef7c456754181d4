import type { Threshold } from "../../harness/run/schema.ts";
import type { Table } from "../tables.ts";
import type { Sections } from "./section.ts";
import { table } from "./table.ts";

/** What was demanded of the run, the broken demands first. */
export const thresholdSections: Sections = ({ thresholds }) => {
  if (thresholds.length === 0) return [];
  const broken = thresholds.filter(({ holds }) => !holds);
  const title =
    broken.length === 0
      ? `Thresholds: ${thresholds.length} of ${thresholds.length} hold`
      : `Thresholds: ${broken.length} of ${thresholds.length} broken`;
  return [{ id: "thresholds", title, parts: [table("Thresholds", thresholdTable(thresholds))] }];
};

function thresholdTable(thresholds: readonly Threshold[]): Table {
  return {
    first: "condition",
    heads: ["holds", "measured"].map((title) => ({ title, holds: "words" })),
    groups: thresholds
      .toSorted((a, b) => Number(a.holds) - Number(b.holds))
      .map(({ expression, holds, measured }) => ({ name: expression, rows: [[holds ? "✓ yes" : "✗ NO", measured]] })),
  };
}
