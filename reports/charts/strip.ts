import * as Plot from "@observablehq/plot";
import { clip, oneLine } from "../escape.ts";
import { kindName, type StripChart, type StripMark } from "./chart.ts";
import { shortTick, widths } from "./curves.ts";
import { colorOf, draw, fillOf, seriesClass, symbolOf } from "./drawing.ts";
import { scaleFor } from "./scale.ts";

const rowHeight = 26;
const radiusMax = 10;
const laneHeight = 8;
const nameLengthMax = { wide: 34, phone: 18 } as const;

interface PlacedMark extends StripMark {
  readonly y: number;
  readonly row: string;
}

/** A line a row, with a mark wherever something happened; its area grows with how often it did. */
export function drawStrip(chart: StripChart, width: "wide" | "phone"): string {
  const { x: axis, of: rows, series } = chart;
  const names = rows.map(({ name }) => clip(oneLine(name), nameLengthMax[width]));
  const marginLeft = 18 + 6.3 * Math.max(4, ...names.map(({ length }) => length));
  const placed = rows.flatMap(({ marks }, at) =>
    marks.map((mark): PlacedMark => {
      // Each series has a lane of its own, so that none hides another.
      const lane = (mark.series - (series.length - 1) / 2) * laneHeight;
      return { ...mark, y: (at + 0.5) * rowHeight + lane, row: names[at] ?? "" };
    }),
  );
  const scale = scaleFor(
    axis,
    placed.map(({ x }) => x),
    width === "wide" ? 9 : 5,
  );
  const most = Math.max(1, ...placed.map(({ count }) => count));
  const height = rows.length * rowHeight;
  return draw({
    label: `${chart.title}: ${chart.rows} over ${axis.title}; ${series.map(kindName).join(", ")}`,
    className: "wide",
    plot: {
      width: widths[width],
      height: height + 56,
      marginLeft,
      marginRight: 24,
      marginTop: 8,
      marginBottom: 48,
      x: { type: "linear", domain: [scale.low, scale.high], axis: null },
      y: { type: "linear", domain: [height, 0], axis: null },
      marks: [
        Plot.gridX(scale.ticks.map(scale.at), { className: "grid" }),
        Plot.gridY(
          rows.map((_, at) => (at + 0.5) * rowHeight),
          { className: "grid" },
        ),
        Plot.axisX(scale.ticks.map(scale.at), {
          ...{ tickSize: 0, tickPadding: 9, label: null, className: "tick" },
          tickFormat: (position: number) => shortTick(axis, scale.ticks.find((tick) => scale.at(tick) === position) ?? 0),
        }),
        Plot.text([oneLine(axis.title)], { frameAnchor: "bottom-right", textAnchor: "end", dy: 40, className: "axis" }),
        Plot.text(
          names.map((name, at) => ({ name, y: (at + 0.5) * rowHeight })),
          { y: "y", text: "name", frameAnchor: "left", textAnchor: "end", dx: -14, className: "name" },
        ),
        ...placed.map((mark) => {
          const { tone, kind } = series[mark.series] ?? { tone: "grey", kind: "measured" };
          return Plot.dot([mark], {
            x: () => scale.at(mark.x),
            y: "y",
            r: Math.max(3, radiusMax * Math.sqrt(mark.count / most)),
            symbol: symbolOf(tone),
            fill: fillOf(tone, kind),
            fillOpacity: 0.55,
            stroke: colorOf(tone),
            className: seriesClass(mark.series),
          });
        }),
      ],
    },
    hits: (position) =>
      placed.map((mark) => ({
        x: position("x", scale.at(mark.x)),
        y: position("y", mark.y),
        series: mark.series,
        text: `${mark.row}, ${axis.text(mark.x)}: ${mark.count}`,
      })),
  });
}
