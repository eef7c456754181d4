import * as Plot from "@observablehq/plot";
import { clip, oneLine } from "../escape.ts";
import { type BarChart, type BarPart, kindName } from "./chart.ts";
import { shortTick, widths } from "./curves.ts";
import { colorOf, dashesOf, draw, seriesClass } from "./drawing.ts";
import { scaleFor } from "./scale.ts";

const rowHeight = 22;
const barHeight = 14;

interface PlacedPart extends BarPart {
  readonly bar: string;
  readonly start: number;
}

/** The parts that a legend tells of: equal ones of different bars are one. */
export function partsOf({ bars }: BarChart): BarPart[] {
  return [...new Map(bars.flatMap(({ parts }) => parts).map((part) => [kindName(part), part])).values()];
}

/** Bars with their lengths written behind them. */
export function drawBars(chart: BarChart): string {
  const { bars, value, valueMax } = chart;
  const names = new Map(bars.map(({ name }, at) => [`${at}`, clip(oneLine(name), 24)]));
  const marginLeft = 16 + 6.4 * Math.max(4, ...[...names.values()].map(({ length }) => length));
  const scale = scaleFor(value, [0, valueMax], 5);
  const bottom = value.isPlain === true ? 22 : 38;
  const legend = partsOf(chart).map(kindName);
  const placed = bars.flatMap(({ parts }, at) => {
    let end = 0;
    return parts.map((part): PlacedPart => {
      const start = end;
      end += part.value;
      return { ...part, bar: `${at}`, start };
    });
  });
  const totals = bars.map(({ parts }, at) => ({ bar: `${at}`, total: parts.reduce((sum, part) => sum + part.value, 0) }));
  const inset = (rowHeight - barHeight) / 2;
  return draw({
    label: `${chart.title}: ${value.title} by ${chart.rows}; ${legend.join(", ")}`,
    className: "narrow",
    plot: {
      width: widths.narrow,
      height: rowHeight * bars.length + 4 + bottom,
      marginLeft,
      marginRight: 64,
      marginTop: 4,
      marginBottom: bottom,
      x: { type: "linear", domain: [scale.low, scale.high], axis: null },
      y: { type: "band", domain: [...names.keys()], padding: 0, axis: null },
      marks: [
        Plot.gridX([...scale.ticks], { className: "grid" }),
        Plot.axisX([...scale.ticks], {
          tickSize: 0,
          tickPadding: 7,
          label: null,
          tickFormat: (tick: number) => shortTick(value, tick),
          className: "tick",
        }),
        Plot.axisY([...names.keys()], {
          tickSize: 0,
          tickPadding: 8,
          label: null,
          tickFormat: (key: string) => names.get(key) ?? "",
          className: "name",
        }),
        Plot.text(value.isPlain === true ? [] : [oneLine(value.title)], {
          frameAnchor: "bottom-left",
          textAnchor: "start",
          dy: 34,
          className: "axis",
        }),
        ...placed.map((part) => {
          const dashes = dashesOf(part.kind);
          const hollow = dashes === undefined ? {} : { fillOpacity: 0.2, stroke: colorOf(part.tone), strokeDasharray: dashes };
          return Plot.barX([part], {
            y: "bar",
            x1: "start",
            x2: ({ start, value: length }: PlacedPart) => start + length,
            insetTop: inset,
            insetBottom: inset,
            fill: colorOf(part.tone),
            ...hollow,
            className: seriesClass(legend.indexOf(kindName(part))),
          });
        }),
        Plot.text(totals, {
          y: "bar",
          x: "total",
          dx: 6,
          textAnchor: "start",
          text: ({ total }: { total: number }) => value.text(total),
          className: "value",
        }),
        Plot.ruleX([0], { className: "base" }),
      ],
    },
    hits: (position) =>
      placed.map((part) => ({
        x: (position("x", part.start) + position("x", part.start + part.value)) / 2,
        y: position("y", part.bar) + rowHeight / 2,
        series: legend.indexOf(kindName(part)),
        text: `${names.get(part.bar)}: ${value.text(part.value)}`,
      })),
  });
}
