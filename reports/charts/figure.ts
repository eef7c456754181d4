import { escapeMarkup, oneLine } from "../escape.ts";
import { drawBars, partsOf } from "./bars.ts";
import { type BarChart, type Chart, type Kind, kindName, kindWords, type Tone } from "./chart.ts";
import { drawCurves } from "./curves.ts";
import { type ChartData, csvOf, dataOf } from "./data.ts";
import { dotRowsOf, drawDots } from "./dots.ts";
import { colorOf, dashesOf, fillOf, symbolOf } from "./drawing.ts";
import { drawForest, forestMarksOf } from "./forest.ts";
import { drawStrip } from "./strip.ts";

/** What a legend names. */
interface Entry {
  readonly name: string;
  readonly tone: Tone;
  readonly kind: Kind;
  /** Of columns and bars there is no line. */
  readonly isArea: boolean;
}

/**
 * A chart as a `<figure>`: title, caption, legend, drawing, and its data as a table and as CSV, which a browser takes out of the page
 * itself. It needs no script, and asks nobody for anything.
 */
export function figure(chart: Chart): string {
  const data = dataOf(chart);
  const entries = entriesOf(chart);
  const kinds = new Set(entries.map(({ kind }) => kind));
  const only = kinds.size === 1 ? kindWords[[...kinds][0] ?? "measured"] : "";
  const title = only === "" ? chart.title : `${chart.title} (${only})`;
  const id = escapeMarkup(chart.id);
  const isWide = ["dots", "forest", "strip"].includes(chart.shape) || (chart.shape === "curves" && chart.width === "wide");
  return `<figure class="chart${isWide ? " wide" : ""}" id="${id}">
<figcaption><strong>${escapeMarkup(title)}</strong>${chart.caption === null ? "" : `<span>${escapeMarkup(chart.caption)}</span>`}</figcaption>
<ul class="legend">${entries.map(legendItem).join("")}</ul>
${drawings(chart)}
${dataPart(chart, data)}
</figure>`;
}

function entriesOf(chart: Chart): readonly Entry[] {
  switch (chart.shape) {
    case "curves":
      return chart.panels.flatMap(({ series, as }) => series.map((each) => ({ ...each, isArea: as === "columns" })));
    case "bars":
      return partsOf(chart).map((part) => ({ ...part, isArea: true }));
    case "dots":
      return dotRowsOf(chart).map((row) => ({ ...row, isArea: false }));
    case "forest":
      return forestMarksOf(chart).map((mark) => ({ ...mark, isArea: false }));
    case "strip":
      return chart.series.map((each) => ({ ...each, isArea: false }));
  }
}

function drawings(chart: Chart): string {
  if (chart.shape === "bars") return `<div class="plots">${drawBars(chart)}</div>`;
  if (chart.shape === "curves" && chart.width === "narrow") return `<div class="plots">${drawCurves(chart, "narrow").join("\n")}</div>`;
  // What is wide is drawn a second time for a telephone: made smaller, nobody could read it.
  const [large, small] = (["wide", "phone"] as const).map((width) => drawWide(chart, width));
  return `<div class="plots large">${large}</div>\n<div class="plots small">${small}</div>`;
}

function drawWide(chart: Exclude<Chart, BarChart>, width: "wide" | "phone"): string {
  switch (chart.shape) {
    case "curves":
      return drawCurves(chart, width).join("\n");
    case "dots":
      return drawDots(chart, width);
    case "forest":
      return drawForest(chart, width);
    case "strip":
      return drawStrip(chart, width);
  }
}

function legendItem(entry: Entry, at: number): string {
  return `<li data-series="${at}">${swatch(entry)}<span>${escapeMarkup(kindName(entry))}</span></li>`;
}

/** A piece of the line with its mark, or of the area. */
function swatch({ tone, kind, isArea }: Entry): string {
  const color = colorOf(tone);
  const dashes = dashesOf(kind);
  const dashed = dashes === undefined ? "" : ` stroke-dasharray="${dashes}"`;
  const shape = isArea
    ? `<rect x="1" y="1" width="10" height="10" rx="1.5" fill="${color}"${dashes === undefined ? "" : ` fill-opacity="0.2" stroke="${color}"${dashed}`}/>`
    : `<path d="M0 6H22" stroke="${color}" stroke-width="2"${dashed}/><path d="${symbolPaths[symbolOf(tone)]}" fill="${fillOf(tone, kind)}" stroke="${color}" stroke-width="1.5"/>`;
  const width = isArea ? 12 : 22;
  return `<svg class="swatch" viewBox="0 0 ${width} 12" width="${width}" height="12" aria-hidden="true">${shape}</svg>`;
}

/** Those of the drawing, in the middle of a swatch. */
const symbolPaths: Readonly<Record<ReturnType<typeof symbolOf>, string>> = {
  circle: "M14.5 6a3.5 3.5 0 1 1-7 0a3.5 3.5 0 1 1 7 0Z",
  square: "M8 3h6v6h-6Z",
  triangle: "M11 1.5L15 8.5H7Z",
  diamond: "M11 1.2L14.2 6L11 10.8L7.8 6Z",
  star: "M11 1.4L12.2 4.6L15.6 4.8L12.9 6.9L13.8 10.2L11 8.3L8.2 10.2L9.1 6.9L6.4 4.8L9.8 4.6Z",
  hexagon: "M11 2.2L14.3 4.1V7.9L11 9.8L7.7 7.9V4.1Z",
};

function dataPart({ id, title }: Chart, data: ChartData): string {
  const { heads, rows } = data;
  const head = heads.map((each) => `<th scope="col">${escapeMarkup(each.title)}</th>`).join("");
  const lines = rows.map(
    ([first, ...rest]) =>
      `<tr><th scope="row">${escapeMarkup(first?.text ?? "")}</th>${rest.map(({ text }) => `<td>${escapeMarkup(text)}</td>`).join("")}</tr>`,
  );
  // encodeURIComponent would treble every comma.
  const href = `data:text/csv;charset=utf-8,${csvOf(data)
    .replaceAll(/[^\w,.;:!*()@/ -]/gu, encodeURIComponent)
    .replaceAll(" ", "%20")}`;
  return [
    `<details class="data"><summary>Data</summary>`,
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeMarkup(`Data of ${title}`)}"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>`,
    ...lines,
    `</tbody></table></div></details>`,
    `<a class="csv" download="${escapeMarkup(oneLine(id))}.csv" href="${href}">CSV<span class="away"> of ${escapeMarkup(title)}</span></a>`,
  ].join("\n");
}
