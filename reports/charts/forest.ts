import * as Plot from "@observablehq/plot";
import { clip, oneLine } from "../escape.ts";
import { type ForestChart, type ForestRow, kindName } from "./chart.ts";
import { valueAxis, widths } from "./curves.ts";
import { colorOf, dashesOf, draw, fillOf, seriesClass, symbolOf } from "./drawing.ts";
import { scaleFor } from "./scale.ts";

/** How rows are laid out: where there is no room beside a row for its name and its text, they stand above its line. */
const layouts = {
  wide: { rowHeight: 20, headHeight: 26, nameLengthMax: 44, isAbove: false },
  phone: { rowHeight: 36, headHeight: 28, nameLengthMax: 40, isAbove: true },
} as const;

const characterWidth = 6.7;
/** So much of the scale stands free at either side, so that no mark touches what is written there. */
const margin = 0.02;

interface PlacedRow extends ForestRow {
  readonly y: number;
}

/** The marks that a legend tells of. */
export function forestMarksOf({
  of,
}: ForestChart): { readonly name: string; readonly tone: ForestRow["tone"]; readonly kind: ForestRow["kind"] }[] {
  const marks = of.flatMap(({ rows }) => rows).map(({ mark: name, tone, kind }) => ({ name, tone, kind }));
  return [...new Map(marks.map((mark) => [kindName(mark), mark])).values()];
}

/** An estimate on its interval for each row; what lies beyond the scale ends at its edge, and its text says where it lies. */
export function drawForest(chart: ForestChart, width: keyof typeof layouts): string {
  const { of: groups, value, domain, lines } = chart;
  const { rowHeight, headHeight, nameLengthMax, isAbove } = layouts[width];
  const legend = forestMarksOf(chart).map(kindName);
  const heads: { readonly name: string; readonly y: number }[] = [];
  const placed: PlacedRow[] = [];
  let height = 0;
  for (const { name, rows } of groups) {
    if (name !== "") {
      heads.push({ name: clip(oneLine(name), isAbove ? 48 : 100), y: height + headHeight - 10 });
      height += headHeight;
    }
    for (const row of rows) {
      placed.push({ ...row, y: height + (isAbove ? rowHeight - 10 : rowHeight / 2) });
      height += rowHeight;
    }
  }
  const nameOf = ({ name }: PlacedRow) => clip(oneLine(name), nameLengthMax);
  const room = (texts: readonly string[]) => 18 + characterWidth * Math.max(0, ...texts.map(({ length }) => length));
  const marginLeft = isAbove ? 22 : room(placed.map(nameOf));
  const marginRight = isAbove ? 22 : room(placed.map(({ text }) => text));
  const values = placed.flatMap((row) => [row.value, row.low ?? row.value, row.high ?? row.value]);
  const scale = scaleFor(value, domain ?? values, isAbove ? 5 : 9);
  const free = (scale.high - scale.low) * margin;
  const at = (of: number) => Math.min(scale.high, Math.max(scale.low, scale.at(of)));
  // The names of lines that lie near one another stand in lanes.
  const top = 6 + 13 * lines.length;
  const frame = (text: string, x: number) => ({ text: () => text, frameAnchor: "left", dx: x }) as const;
  return draw({
    label: `${chart.title}: ${value.title} with its interval, by ${chart.rows}; ${legend.join(", ")}`,
    className: "wide",
    plot: {
      width: isAbove ? widths.phone : widths.wide,
      height: height + 48 + top,
      marginLeft,
      marginRight,
      marginTop: top,
      marginBottom: 48,
      x: { type: "linear", domain: [scale.low - free, scale.high + free], axis: null },
      y: { type: "linear", domain: [height, 0], axis: null },
      marks: [
        ...valueAxis(value, scale),
        Plot.text([oneLine(value.title)], { frameAnchor: "bottom-right", textAnchor: "end", dy: 40, className: "axis" }),
        ...lines.flatMap((line, lane) => [
          Plot.ruleX([at(line.at)], { insetTop: -1 - 13 * lane, className: line.isLimit ? "limit" : "base" }),
          Plot.text([oneLine(line.name)], {
            x: () => at(line.at),
            frameAnchor: "top",
            dy: -14 - 13 * lane,
            textAnchor: "middle",
            className: "axis",
          }),
        ]),
        ...heads.map((head) =>
          Plot.text([head], { y: "y", ...frame(head.name, isAbove ? -16 : 4 - marginLeft), textAnchor: "start", className: "value" }),
        ),
        ...placed.flatMap((row) => {
          const stroke = colorOf(row.tone);
          const dashes = dashesOf(row.kind);
          const className = seriesClass(legend.indexOf(kindName({ name: row.mark, kind: row.kind })));
          const { low, high } = row;
          const interval =
            low === null || high === null
              ? []
              : [
                  Plot.ruleY([row], {
                    ...{ y: "y", x1: () => at(low), x2: () => at(high), stroke, strokeWidth: 2, className },
                    ...(dashes === undefined ? {} : { strokeDasharray: dashes }),
                  }),
                ];
          const label = isAbove ? `${nameOf(row)}: ${row.text}` : nameOf(row);
          const place = isAbove
            ? ({ ...frame(label, -16), dy: -14, textAnchor: "start", className: "name" } as const)
            : ({ ...frame(label, -12), textAnchor: "end", className: "name" } as const);
          return [
            ...interval,
            Plot.dot([row], {
              x: () => at(row.value),
              y: "y",
              r: 3.8,
              symbol: symbolOf(row.tone),
              fill: fillOf(row.tone, row.kind),
              stroke,
              className,
            }),
            Plot.text([row], { y: "y", ...place, fill: "currentColor", stroke: "var(--page)", strokeWidth: 3, paintOrder: "stroke" }),
            ...(isAbove
              ? []
              : [
                  Plot.text([row], {
                    y: "y",
                    text: () => oneLine(row.text),
                    frameAnchor: "right",
                    textAnchor: "start",
                    dx: 12,
                    className: "name",
                  }),
                ]),
          ];
        }),
      ],
    },
    hits: (position) =>
      placed.map((row) => ({
        x: position("x", at(row.value)),
        y: position("y", row.y),
        series: legend.indexOf(kindName({ name: row.mark, kind: row.kind })),
        text: `${row.name}: ${row.text}`,
      })),
  });
}
