import { stringify } from "csv-stringify/sync";
import { oneLine } from "../escape.ts";
import type { Axis, BarChart, Chart, CurveChart, DotChart, ForestChart, StripChart } from "./chart.ts";
import { kindName, kindWords } from "./chart.ts";

/** What a chart shows, as rows: for those who do not see it, and for spreadsheets. */
export interface ChartData {
  /** Of the columns: for people, and for machines with the unit. */
  readonly heads: readonly { readonly title: string; readonly column: string }[];
  readonly rows: readonly (readonly Value[])[];
}

interface Value {
  /** As a person reads it. */
  readonly text: string;
  readonly raw: string | number | null;
}

/** The data of a chart. Curves have a row an x and a column a series. */
export function dataOf(chart: Chart): ChartData {
  switch (chart.shape) {
    case "curves":
      return curveData(chart);
    case "bars":
      return barData(chart);
    case "dots":
      return dotData(chart);
    case "forest":
      return forestData(chart);
    case "strip":
      return stripData(chart);
  }
}

const nothing: Value = { text: "–", raw: null };

function number({ text }: Axis, value: number | null | undefined): Value {
  return value === null || value === undefined ? nothing : { text: text(value), raw: Number(value.toPrecision(9)) };
}

function word(text: string): Value {
  return { text, raw: oneLine(text) };
}

function curveData({ x, panels, bands }: CurveChart): ChartData {
  const columns = panels.flatMap(({ y, series }) =>
    series.flatMap((each) => {
      const head = {
        title: series.length === 1 && panels.length === 1 ? `${y.title}, ${kindName(each)}` : kindName(each),
        column: `${kindName(each)} ${y.column}`,
      };
      const byX = new Map(each.points.map((point) => [point.x, point]));
      const main = { head, of: (at: number) => number(y, byX.get(at)?.y) };
      if (each.points.every(({ low, high }) => low === undefined || high === undefined)) return [main];
      return [
        main,
        ...(["low", "high"] as const).map((end) => ({
          head: { title: `${head.title}, ${end === "low" ? "least" : "most"}`, column: `${head.column} ${end}` },
          of: (at: number) => number(y, byX.get(at)?.[end]),
        })),
      ];
    }),
  );
  // A gap is no row of its own: its x has nothing in any column.
  const xs = [
    ...new Set(
      panels.flatMap(({ series }) => series.flatMap(({ points }) => points.flatMap((point) => (point.y === null ? [] : [point.x])))),
    ),
  ].sort((a, b) => a - b);
  const bandAt = (at: number) => bands?.find(({ from, to }) => at >= from && at <= to)?.name ?? "";
  return {
    heads: [
      { title: x.title, column: x.column },
      ...(bands === undefined ? [] : [{ title: "phase", column: "phase" }]),
      ...columns.map(({ head }) => head),
    ],
    rows: xs.map((at) => [number(x, at), ...(bands === undefined ? [] : [word(bandAt(at))]), ...columns.map(({ of }) => of(at))]),
  };
}

function barData({ rows, value, bars }: BarChart): ChartData {
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(kindName)))];
  return {
    heads: [{ title: rows, column: rows }, ...names.map((title) => ({ title, column: `${title} ${value.column}` }))],
    rows: bars.map(({ name, parts }) => [
      word(name),
      ...names.map((part) => number(value, parts.find((each) => kindName(each) === part)?.value)),
    ]),
  };
}

function dotData({ groups, rows, value, of }: DotChart): ChartData {
  const roundsMax = Math.max(0, ...of.flatMap((group) => group.rows.map(({ rounds }) => (rounds.length < 2 ? 0 : rounds.length))));
  const rounds = Array.from({ length: roundsMax }, (_, at) => at);
  return {
    heads: [
      { title: groups, column: groups },
      { title: rows, column: rows },
      { title: "source", column: "source" },
      { title: "p50", column: `p50_${value.column}` },
      { title: "p99", column: `p99_${value.column}` },
      ...rounds.map((at) => ({ title: `p50, round ${at + 1}`, column: `p50_round_${at + 1}_${value.column}` })),
    ],
    rows: of.flatMap((group) =>
      group.rows.map((row) => [
        word(group.name),
        word(row.name),
        word(kindWords[row.kind] || row.kind),
        number(value, row.p50),
        number(value, row.p99),
        ...rounds.map((at) => number(value, row.rounds[at])),
      ]),
    ),
  };
}

function forestData({ groups, rows, value, of }: ForestChart): ChartData {
  return {
    heads: [
      { title: groups, column: groups },
      { title: rows, column: rows },
      { title: "seen", column: "seen" },
      { title: value.title, column: value.column },
      { title: "from", column: `${value.column} low` },
      { title: "to", column: `${value.column} high` },
    ],
    rows: of.flatMap((group) =>
      group.rows.map((row) => [
        word(group.name),
        word(row.name),
        word(kindName({ name: row.mark, kind: row.kind })),
        number(value, row.value),
        number(value, row.low),
        number(value, row.high),
      ]),
    ),
  };
}

function stripData({ rows, x, series, of }: StripChart): ChartData {
  return {
    heads: [
      { title: x.title, column: x.column },
      { title: rows, column: rows },
      { title: "which", column: "which" },
      { title: "how often", column: "count" },
    ],
    rows: of
      .flatMap(({ name, marks }) => marks.map((mark) => ({ name, ...mark })))
      .toSorted((a, b) => a.x - b.x)
      .map((mark) => {
        const which = series[mark.series];
        return [
          number(x, mark.x),
          word(mark.name),
          word(which === undefined ? "" : kindName(which)),
          { text: String(mark.count), raw: mark.count },
        ];
      }),
  };
}

/** The data as CSV; formulas that others may have written into a name are made harmless. */
export function csvOf({ heads, rows }: ChartData): string {
  return stringify([heads.map(({ column }) => oneLine(column)), ...rows.map((row) => row.map(({ raw }) => raw))], {
    escape_formulas: true,
  });
}
