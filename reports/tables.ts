import { none } from "./column.ts";
import { kmsCalls, kmsColumns } from "./kms-calls.ts";
import { columnsOf, troubles } from "./phase-columns.ts";
import type { CellRows } from "./rounds.ts";
import { serverCounters } from "./server-counters.ts";

/** A table in groups of rows, before it has a format. */
export interface Table {
  /** What a group is. */
  readonly first: string;
  /** Of the columns after the first. */
  readonly heads: readonly Head[];
  /** Those that have a row. */
  readonly groups: readonly Group[];
}

export interface Head {
  readonly title: string;
  /** Words stand on the left, figures on the right. */
  readonly holds: "words" | "figures";
}

export interface Group {
  readonly name: string;
  /** A text for each head. */
  readonly rows: readonly (readonly string[])[];
}

/** What the client saw of each phase. What went wrong has a column only where anything did. */
export function phaseTable(cells: readonly CellRows[]): Table {
  const hasTrouble = cells.some(({ phases }) => phases.some((phase) => troubles(phase) !== ""));
  const columns = columnsOf(cells);
  return {
    first: "provider",
    heads: [...words("phase"), ...figures(columns), ...(hasTrouble ? words("trouble") : [])],
    groups: groups(cells, ({ phases }) =>
      phases.map((phase) => [phase.name, ...columns.map(({ of }) => of(phase)), ...(hasTrouble ? [troubles(phase)] : [])]),
    ),
  };
}

/** What the tap saw of each KMS method, over all phases. */
export function kmsTable(cells: readonly CellRows[]): Table {
  return {
    first: "provider",
    heads: [...words("method"), ...figures(kmsColumns)],
    groups: groups(cells, (cell) => kmsCalls(cell).map((calls) => [calls.method, ...kmsColumns.map(({ of }) => of(calls))])),
  };
}

/** What the tap saw of each KMS method, phase by phase. */
export function kmsPhaseTable(cells: readonly CellRows[]): Table {
  return {
    first: "provider",
    heads: [...words("phase", "method"), ...figures(kmsColumns)],
    groups: groups(cells, ({ phases }) =>
      phases.flatMap((phase) =>
        kmsCalls({ phases: [phase] }).map((calls) => [phase.name, calls.method, ...kmsColumns.map(({ of }) => of(calls))]),
      ),
    ),
  };
}

/** What the API server counted in each phase. */
export function serverTable(cells: readonly CellRows[]): Table {
  const names = [...new Set(cells.flatMap(({ phases }) => phases.map(({ name }) => name)))];
  return {
    first: "provider",
    heads: [...words("counter"), ...figures(names.map((title) => ({ title })))],
    groups: groups(cells, (cell) =>
      serverCounters(cell).map(({ title, growth }) => [title, ...names.map((name) => String(growth.get(name) ?? none))]),
    ),
  };
}

function words(...titles: readonly string[]): Head[] {
  return titles.map((title) => ({ title, holds: "words" }));
}

function figures(columns: readonly { readonly title: string }[]): Head[] {
  return columns.map(({ title }) => ({ title, holds: "figures" }));
}

function groups(cells: readonly CellRows[], rowsOf: (cell: CellRows) => string[][]): Group[] {
  return cells.map((cell) => ({ name: cell.label, rows: rowsOf(cell) })).filter(({ rows }) => rows.length > 0);
}
