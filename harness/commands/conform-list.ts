import { wrap } from "../../reports/layout.ts";
import { needs } from "../../suites/conformance/check.ts";
import { requireKnown, type Selection, selectChecks } from "../../suites/conformance/select-checks.ts";
import type { Area } from "./conform-areas.ts";

type ListedCheck = Area["checks"][number];

export interface ListForm {
  readonly json: boolean;
  /** Of the terminal that reads it; without one a check is a line, however long. */
  readonly columns?: number | undefined;
}

/** The checks that would be run, as a table or as JSON. @throws UsageError as `requireKnown` does. */
export function listChecks(
  checks: readonly ListedCheck[],
  selection: Selection,
  { json, columns = Number.POSITIVE_INFINITY }: ListForm,
): string {
  requireKnown(checks, [...selection.only, ...selection.skip]);
  const { selected, skipped } = selectChecks(checks, selection);
  const listed = selected.filter(({ id }) => !skipped.has(id));
  if (json) return `${JSON.stringify(listed.map(described), null, 2)}\n`;
  const rows = listed.map(({ id, level, invariants, title }) => [id, level, invariants.join(","), title] as const);
  const idWidth = Math.max(0, ...rows.map(([id]) => id.length));
  const invariantWidth = Math.max(0, ...rows.map(([, , invariant]) => invariant.length));
  const inColumns = rows.map(([id, level, invariant, title]) =>
    [id.padEnd(idWidth), level.padEnd("SHOULD".length), invariant.padEnd(invariantWidth), title].join("  "),
  );
  const lines = inColumns.every((line) => line.length <= columns)
    ? inColumns
    : rows.flatMap(([id, level, invariant, title]) => [
        ...wrap([id, level, invariant].join(" "), columns, ""),
        ...wrap(title, columns, "    "),
      ]);
  return `${[...lines, `${listed.length} ${listed.length === 1 ? "check" : "checks"}.`].join("\n")}\n`;
}

/** All that can be said of a check without running it. */
function described(check: ListedCheck): Record<string, unknown> {
  const { id, title, level, invariants, source, remedy } = check;
  return { id, title, level, invariants, source, needs: check.needs.map((need) => ({ need, means: needs[need] })), remedy };
}
