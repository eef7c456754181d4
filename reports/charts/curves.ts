import * as Plot from "@observablehq/plot";
import { oneLine } from "../escape.ts";
import { type Axis, type Band, type CurveChart, kindName, type Panel, type Point, type Series } from "./chart.ts";
import { colorOf, dashesOf, draw, fillOf, type Hit, seriesClass, symbolOf } from "./drawing.ts";
import { type Scale, scaleFor } from "./scale.ts";

/** How wide a drawing is, px. Its text has the size of the page's small text where the drawing is shown as wide as this. */
export const widths = { narrow: 420, wide: 920, phone: 380 } as const;

const margin = { left: 58, right: 14 } as const;

/** The panels of a chart, one SVG each, all with the same x axis; only the last one is lettered with it. */
export function drawCurves(chart: CurveChart, width: keyof typeof widths): string[] {
  const { panels, x: axis, domain } = chart;
  const isWide = chart.width === "wide";
  const ticksMax = width === "wide" ? 11 : 7;
  const values = domain ?? panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ x }) => x)));
  const x = withOwnTicks(scaleFor(axis, values, ticksMax), axis, values, ticksMax);
  let first = 0;
  return panels.map((panel, at) => {
    const from = first;
    first += panel.series.length;
    return drawPanel({
      ...{ chart, panel, x, from },
      width: widths[width],
      plotHeight: isWide ? (at === 0 ? 190 : 110) : 170,
      isFirst: at === 0,
      isLast: at === panels.length - 1,
    });
  });
}

/** Numbers that were chosen, as those of Secrets, are better ticks than round ones, as long as they do not run into one another. */
function withOwnTicks(scale: Scale, { scale: kind }: Axis, values: readonly number[], ticksMax: number): Scale {
  const own = [...new Set(values)].sort((a, b) => a - b);
  const apart = (scale.high - scale.low) / (ticksMax + 1);
  const fit = own.every((value, at) => at === 0 || scale.at(value) - scale.at(own[at - 1] ?? 0) >= apart);
  return kind === "log" && fit ? { ...scale, ticks: own } : scale;
}

function drawPanel(options: {
  readonly chart: CurveChart;
  readonly panel: Panel;
  readonly x: Scale;
  /** The place of the panel's first series in the legend. */
  readonly from: number;
  readonly width: number;
  readonly plotHeight: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}): string {
  const { chart, panel, x, from, width, plotHeight, isFirst, isLast } = options;
  const { series, as } = panel;
  const bands = chart.bands ?? [];
  const lanes = isFirst ? laneOf(bands, x, width) : [];
  const top = 26 + 14 * Math.max(0, ...lanes.map((lane) => lane + 1));
  const bottom = isLast ? (chart.x.isPlain === true ? 22 : 38) : 10;
  const y = scaleFor(panel.y, [...(panel.domain ?? []), ...yValues(panel)], as === "columns" ? 4 : 6);
  const stacked = as === "columns" ? stack(series) : series.map(({ points }) => points.map((point) => ({ ...point, base: 0 })));
  return draw({
    label: `${chart.title}: ${panel.y.title} over ${chart.x.title}; ${series.map(kindName).join(", ")}`,
    className: chart.width,
    plot: {
      width,
      height: top + plotHeight + bottom,
      marginLeft: margin.left,
      marginRight: margin.right,
      marginTop: top,
      marginBottom: bottom,
      x: { type: "linear", domain: [x.low, x.high], axis: null },
      y: { type: "linear", domain: [y.low, y.high], axis: null },
      marks: [
        ...bandMarks({ bands, lanes, x, width, isFirst }),
        Plot.gridY(y.ticks.map(y.at), { className: "grid" }),
        Plot.axisY(y.ticks.map(y.at), { tickSize: 0, tickPadding: 8, label: null, tickFormat: tickText(y, panel.y), className: "tick" }),
        ...(bands.length > 0 ? [] : [Plot.gridX(x.ticks.map(x.at), { className: "grid faint" })]),
        Plot.ruleY([y.low], { className: "base" }),
        ...(isLast
          ? [
              Plot.axisX(x.ticks.map(x.at), {
                tickSize: 0,
                tickPadding: 7,
                label: null,
                tickFormat: tickText(x, chart.x),
                className: "tick",
              }),
              Plot.text(chart.x.isPlain === true ? [] : [oneLine(chart.x.title)], {
                frameAnchor: "bottom-right",
                textAnchor: "end",
                dy: 34,
                className: "axis",
              }),
            ]
          : []),
        Plot.text([oneLine(panel.y.title)], {
          frameAnchor: "top-left",
          textAnchor: "start",
          dx: -margin.left + 2,
          dy: -(top - 4),
          className: "axis",
        }),
        ...series.flatMap((each, at) =>
          seriesMarks({ series: each, points: stacked[at] ?? [], panel, x, y, className: seriesClass(from + at) }),
        ),
      ],
    },
    hits: (position) =>
      series.flatMap(({ points }, at) =>
        points.flatMap((point, index): Hit[] =>
          point.y === null
            ? []
            : [
                {
                  x: position("x", x.at(point.x)),
                  y: position("y", y.at(as === "columns" ? point.y + (stacked[at]?.[index]?.base ?? 0) : point.y)),
                  series: from + at,
                  text: `${chart.x.text(point.x)}: ${panel.y.text(point.y)}${spreadText(point, panel.y)}`,
                },
              ],
        ),
      ),
  });
}

function spreadText({ low, high }: Point, { text }: Axis): string {
  return low === undefined || high === undefined || low === high ? "" : ` (${text(low)} to ${text(high)})`;
}

interface StackedPoint extends Point {
  /** What lies below it. */
  readonly base: number;
}

/** Each series upon those before it. */
function stack(series: readonly Series[]): StackedPoint[][] {
  const heights = new Map<number, number>();
  return series.map(({ points }) =>
    points.map((point) => {
      const base = heights.get(point.x) ?? 0;
      heights.set(point.x, base + (point.y ?? 0));
      return { ...point, base };
    }),
  );
}

function yValues({ as, series }: Panel): number[] {
  if (as === "columns") return [0, ...stack(series).flatMap((points) => points.map(({ base, y }) => base + (y ?? 0)))];
  return series.flatMap(({ points }) => points.flatMap(({ y, low, high }) => [y, low, high].flatMap((value) => value ?? [])));
}

/** The lines and the texts of an axis of values below a drawing that has one. */
export function valueAxis(axis: Axis, scale: Scale): Plot.Markish[] {
  const positions = scale.ticks.map(scale.at);
  return [
    Plot.gridX(positions, { className: "grid" }),
    Plot.axisX(positions, { tickSize: 0, tickPadding: 9, label: null, className: "tick", tickFormat: tickText(scale, axis) }),
  ];
}

/** Plot is given positions, and asks for the text at one. */
function tickText({ ticks, at }: Scale, axis: Axis): (position: number) => string {
  const texts = new Map(ticks.map((tick) => [at(tick), shortTick(axis, tick)]));
  return (position) => texts.get(position) ?? "";
}

/** `10 ms` for `10.0 ms`: a tick is exact. */
export function shortTick({ text, tick }: Axis, value: number): string {
  return oneLine(tick?.(value) ?? text(value))
    .replace(/(\d)\.0+(?=\D|$)/, "$1")
    .replace(/(\.\d*?[1-9])0+(?=\D|$)/, "$1");
}

function seriesMarks(options: {
  readonly series: Series;
  readonly points: readonly StackedPoint[];
  readonly panel: Panel;
  readonly x: Scale;
  readonly y: Scale;
  readonly className: string;
}): Plot.Markish[] {
  const { series, points, panel, x, y, className } = options;
  const stroke = colorOf(series.tone);
  const dashes = dashesOf(series.kind);
  const dashed = dashes === undefined ? {} : { strokeDasharray: dashes };
  if (panel.as === "columns") {
    const width = panel.columnWidth ?? 1;
    return [
      Plot.rect(
        points.filter((point) => (point.y ?? 0) > 0),
        {
          x1: ({ x: from }: StackedPoint) => x.at(from - width / 2),
          x2: ({ x: from }: StackedPoint) => x.at(from + width / 2),
          y1: ({ base }: StackedPoint) => y.at(base),
          y2: ({ base, y: height }: StackedPoint) => y.at(base + (height ?? 0)),
          fill: stroke,
          ...(series.kind === "measured" ? {} : { fillOpacity: 0.2, stroke, ...dashed }),
          className,
        },
      ),
    ];
  }
  const place = { x: (point: Point) => x.at(point.x), y: (point: Point) => (point.y === null ? Number.NaN : y.at(point.y)) };
  const line = Plot.line(points, { ...place, stroke, strokeWidth: panel.as === "lines" ? 1.25 : 1.75, ...dashed, className });
  const spread = points.filter(({ low, high }) => low !== undefined && high !== undefined && low < high);
  const whiskers = Plot.ruleX(spread, {
    x: place.x,
    y1: ({ low }: Point) => y.at(low ?? 0),
    y2: ({ high }: Point) => y.at(high ?? 0),
    stroke,
    className,
  });
  if (panel.as === "lines") return [...(spread.length > 0 ? [whiskers] : []), line, ...alone(points, place, series, className)];
  const marks = Plot.dot(
    points.filter(({ y, isUnmarked }) => y !== null && isUnmarked !== true),
    { ...place, r: 3.2, symbol: symbolOf(series.tone), fill: fillOf(series.tone, series.kind), stroke, strokeWidth: 1.5, className },
  );
  return [...(spread.length > 0 ? [whiskers] : []), line, marks];
}

/** A point between two gaps is no line, and would not be seen. */
function alone(
  points: readonly StackedPoint[],
  place: { x(point: Point): number; y(point: Point): number },
  { tone, kind }: Series,
  className: string,
): Plot.Markish[] {
  const single = points.filter(({ y }, at) => y !== null && (points[at - 1]?.y ?? null) === null && (points[at + 1]?.y ?? null) === null);
  return single.length === 0 ? [] : [Plot.dot(single, { ...place, r: 2, fill: fillOf(tone, kind), stroke: colorOf(tone), className })];
}

const characterWidth = 6.2;

/** Bands whose names would run into one another stand below one another. */
function laneOf(bands: readonly Band[], x: Scale, width: number): number[] {
  const scale = (width - margin.left - margin.right) / (x.high - x.low);
  const ends: number[] = [];
  return bands.map(({ from, name }) => {
    const start = (x.at(from) - x.low) * scale;
    const free = ends.findIndex((end) => end <= start);
    const lane = free === -1 ? ends.length : free;
    ends[lane] = start + name.length * characterWidth + 8;
    return lane;
  });
}

/** How far the name of a band reaches, px. */
function endOf({ from, name }: Band, x: Scale, width: number): number {
  return margin.left + ((x.at(from) - x.low) * (width - margin.left - margin.right)) / (x.high - x.low) + name.length * characterWidth;
}

function bandMarks(options: {
  readonly bands: readonly Band[];
  readonly lanes: readonly number[];
  readonly x: Scale;
  readonly width: number;
  readonly isFirst: boolean;
}): Plot.Markish[] {
  const { bands, lanes, x, width, isFirst } = options;
  if (bands.length === 0) return [];
  const shaded = bands.filter((_, at) => at % 2 === 0);
  const deepest = Math.max(0, ...lanes);
  return [
    Plot.rect(shaded, { x1: ({ from }: Band) => x.at(from), x2: ({ to }: Band) => x.at(to), className: "band" }),
    ...(isFirst
      ? bands.flatMap((band, at) => [
          Plot.text([band], {
            // The last name may be longer than what is left of the chart.
            ...(endOf(band, x, width) > width - margin.right
              ? { x: x.high, textAnchor: "end", dx: 0 }
              : { x: x.at(band.from), textAnchor: "start", dx: 3 }),
            frameAnchor: "top",
            dy: -8 - 14 * (deepest - (lanes[at] ?? 0)),
            text: ({ name }: Band) => oneLine(name),
            className: "bandname",
          }),
          Plot.ruleX([band], { x: x.at(band.from), insetTop: -4 - 14 * (deepest - (lanes[at] ?? 0)) - 8, className: "bandedge" }),
        ])
      : [Plot.ruleX(bands, { x: ({ from }: Band) => x.at(from), className: "bandedge" })]),
  ];
}
