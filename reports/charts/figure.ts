import { escapeMarkup, oneLine } from "../escape.ts";
import { drawBars, partsOf } from "./bars.ts";
import { type Chart, type Kind, kindName, kindWords, type Tone } from "./chart.ts";
import { drawCurves } from "./curves.ts";
import { type ChartData, csvOf, dataOf } from "./data.ts";
import { dotRowsOf, drawDots } from "./dots.ts";
import { colorOf, dashesOf, fillOf } from "./drawing.ts";

/** What a legend names. */
interface Entry {
  readonly name: string;
  readonly tone: Tone;
  readonly kind: Kind;
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
  const isWide = chart.shape === "dots" || (chart.shape === "curves" && chart.width === "wide");
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
      return chart.panels.flatMap(({ series }) => series);
    case "bars":
      return partsOf(chart);
    case "dots":
      return dotRowsOf(chart);
  }
}

function drawings(chart: Chart): string {
  if (chart.shape === "bars") return `<div class="plots">${drawBars(chart)}</div>`;
  if (chart.shape === "dots") return `<div class="plots">${drawDots(chart)}</div>`;
  if (chart.width === "narrow") return `<div class="plots">${drawCurves(chart, "narrow").join("\n")}</div>`;
  // What is wide is drawn a second time for a telephone: made smaller, nobody could read it.
  return `<div class="plots large">${drawCurves(chart, "wide").join("\n")}</div>
<div class="plots small">${drawCurves(chart, "phone").join("\n")}</div>`;
}

function legendItem(entry: Entry, at: number): string {
  return `<li data-series="${at}">${swatch(entry)}<span>${escapeMarkup(kindName(entry))}</span></li>`;
}

/** A piece of the line with its mark. */
function swatch({ tone, kind }: Entry): string {
  const dashes = dashesOf(kind);
  return [
    `<svg class="swatch" viewBox="0 0 22 12" width="22" height="12" aria-hidden="true">`,
    `<path d="M0 6H22" stroke="${colorOf(tone)}" stroke-width="2"${dashes === undefined ? "" : ` stroke-dasharray="${dashes}"`}/>`,
    `<circle cx="11" cy="6" r="3.5" fill="${fillOf(tone, kind)}" stroke="${colorOf(tone)}" stroke-width="1.5"/></svg>`,
  ].join("");
}

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
