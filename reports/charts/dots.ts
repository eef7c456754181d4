import * as Plot from "@observablehq/plot";
import { clip, oneLine } from "../escape.ts";
import { type DotChart, type DotRow, kindName } from "./chart.ts";
import { valueAxis, widths } from "./curves.ts";
import { colorOf, dashesOf, draw, fillOf, seriesClass, symbolOf } from "./drawing.ts";
import { scaleFor } from "./scale.ts";

const rowHeight = 15;
const groupGap = 14;

interface PlacedRow extends DotRow {
  readonly y: number;
  readonly group: string;
}

/** The rows that a legend tells of: equal ones of different groups are one. */
export function dotRowsOf({ of }: DotChart): DotRow[] {
  return [...new Map(of.flatMap(({ rows }) => rows).map((row) => [kindName(row), row])).values()];
}

/** A line from the median to the 99th percentile of each row; the medians of rounds are strokes beside it. */
export function drawDots(chart: DotChart, width: "wide" | "phone"): string {
  const { of: groups, value } = chart;
  const legend = dotRowsOf(chart).map(kindName);
  let next = 0;
  const heads: { name: string; y: number; top: number }[] = [];
  const placed: PlacedRow[] = [];
  for (const { name, rows } of groups) {
    heads.push({ name: clip(oneLine(name), 18), y: next + (rows.length * rowHeight) / 2, top: next - groupGap / 2 });
    for (const [at, row] of rows.entries()) placed.push({ ...row, group: name, y: next + (at + 0.5) * rowHeight });
    next += rows.length * rowHeight + groupGap;
  }
  const height = Math.max(next - groupGap, rowHeight);
  const marginLeft = 16 + 6.6 * Math.max(4, ...heads.map(({ name }) => name.length));
  const scale = scaleFor(
    value,
    placed.flatMap(({ p50, p99, rounds }) => [p50, p99, ...rounds]),
    width === "wide" ? 9 : 5,
  );
  const at = (quantile: "p50" | "p99") => (row: PlacedRow) => scale.at(row[quantile]);
  return draw({
    label: `${chart.title}: ${value.title}, median and 99th percentile, by ${chart.groups} and ${chart.rows}; ${legend.join(", ")}`,
    className: "wide",
    plot: {
      width: widths[width],
      height: height + 50,
      marginLeft,
      marginRight: 20,
      marginTop: 8,
      marginBottom: 42,
      x: { type: "linear", domain: [scale.low, scale.high], axis: null },
      y: { type: "linear", domain: [height, 0], axis: null },
      marks: [
        ...valueAxis(value, scale),
        Plot.ruleY(heads.slice(1), { y: "top", className: "grid" }),
        Plot.text(heads, { y: "y", text: "name", frameAnchor: "left", textAnchor: "end", dx: -12, className: "name" }),
        Plot.text([oneLine(value.title)], { frameAnchor: "bottom-right", textAnchor: "end", dy: 38, className: "axis" }),
        ...placed.flatMap((row) => {
          const stroke = colorOf(row.tone);
          const dashes = dashesOf(row.kind);
          const className = seriesClass(legend.indexOf(kindName(row)));
          const rounds = row.rounds.length < 2 ? [] : row.rounds;
          return [
            Plot.ruleY([row], {
              y: "y",
              x1: at("p50"),
              x2: at("p99"),
              stroke,
              strokeWidth: 2,
              ...(dashes === undefined ? {} : { strokeDasharray: dashes }),
              className,
            }),
            Plot.ruleX(rounds, { x: scale.at, y1: row.y - 5, y2: row.y + 5, stroke, strokeWidth: 1, className }),
            Plot.dot([row], {
              x: at("p50"),
              y: "y",
              r: 3.6,
              symbol: symbolOf(row.tone),
              fill: fillOf(row.tone, row.kind),
              stroke,
              className,
            }),
            Plot.dot([row], { x: at("p99"), y: "y", r: 2.6, fill: "var(--page)", stroke, strokeWidth: 1.75, className }),
          ];
        }),
      ],
    },
    hits: (position) =>
      placed.flatMap((row) => {
        const place = { y: position("y", row.y), series: legend.indexOf(kindName(row)) };
        const text = `${row.group}, median ${value.text(row.p50)}, p99 ${value.text(row.p99)}`;
        return [
          { ...place, x: position("x", scale.at(row.p50)), text },
          { ...place, x: position("x", scale.at(row.p99)), text },
        ];
      }),
  });
}
