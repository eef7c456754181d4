import { type Compared, type Comparison, isBroken } from "../harness/run/comparison.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { byCell, comparedColumns, comparisonContext, isWorse, limitSentence, unjudged } from "./comparison-words.ts";
import { escapeMarkup } from "./escape.ts";
import { renderPage } from "./html/page.ts";
import type { Section } from "./html/section.ts";
import { scrolled } from "./html/table.ts";

/** One page that needs nothing but itself: the interval of every ratio as a bar. */
export const comparisonHtml = {
  id: "comparison-html",
  file: "comparison.html",
  render: (comparison) => {
    const { base, other, compared, limits, unlike } = comparison;
    const [subject = "", ...context] = comparisonContext(comparison);
    const judged = limits.map((limit) => `<li${isBroken(limit) ? ' class="fault"' : ""}>${escapeMarkup(limitSentence(limit))}</li>`);
    const reasons = [...context, ...unjudged(compared)].map((sentence) => `<li>${escapeMarkup(sentence)}</li>`);
    return renderPage({
      title: `kmsmark comparison: ${base.runId} and ${other.runId}`,
      heading: `${base.runId} and ${other.runId}`,
      kicker: "kmsmark comparison",
      subject,
      facts: [],
      isModel: unlike.length > 0,
      sections: [
        ...(judged.length === 0 ? [] : [{ id: "limits", title: "Limits", parts: [`<ul>\n${judged.join("\n")}\n</ul>`] }]),
        ...sections(comparison),
        { id: "how", title: "How it was compared", parts: [`<ul>\n${reasons.join("\n")}\n</ul>`] },
      ],
    });
  },
} satisfies ComparisonReporter;

/** A table a cell, with one scale for the bars of all, so that they can be compared by eye. */
function sections({ compared }: Comparison): Section[] {
  const scale = scaleOf(compared);
  const heads = ["figure", ...comparedColumns.map(({ title }) => title), `−${scale}% to +${scale}%`];
  const head = heads.map((title, at) => `<th scope="col"${at === 0 || at > 5 ? "" : ' class="number"'}>${escapeMarkup(title)}</th>`);
  return byCell(compared).map(([cell, ofCell], index) => {
    const rows = ofCell.map((each) => {
      const texts = comparedColumns.map(({ of }, at) => `<td${at < 5 ? ' class="number"' : ""}>${escapeMarkup(of(each))}</td>`);
      const name = `<th scope="row">${escapeMarkup(`${each.phase} ${each.figure}`)}</th>`;
      return `<tr${isWorse(each) ? ' class="worse"' : ""}>${name}${texts.join("")}<td class="bars">${bar(each, scale)}</td></tr>`;
    });
    const table = `<table>\n<thead><tr>${head.join("")}</tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody></table>`;
    return { id: `cell-${index + 1}`, title: cell, parts: [scrolled(cell, table)] };
  });
}

/** The ends of the bars' scale in percent: what holds nine intervals of ten, so that one that is far out does not make dots of the others. */
function scaleOf(compared: readonly Compared[]): number {
  const ends = compared
    .flatMap(({ ratio }) =>
      ratio === null ? [] : [Math.max(Math.abs((ratio.low ?? ratio.value) - 1), Math.abs((ratio.high ?? ratio.value) - 1))],
    )
    .sort((a, b) => a - b);
  const end = (ends[Math.floor(ends.length * 0.9)] ?? ends.at(-1) ?? 0) * 100;
  return [5, 10, 20, 50, 100, 200, 500].find((each) => end <= each) ?? 1000;
}

const barWidth = 200;
const barHeight = 14;

/** The interval as a line with the estimate on it, no change in the middle; what lies beyond the scale ends at its edge. */
function bar({ ratio, metric }: Compared, scale: number): string {
  if (ratio === null) return "";
  const x = (value: number) =>
    Math.round(Math.min(barWidth, Math.max(0, barWidth / 2 + (((value - 1) * 100) / scale) * (barWidth / 2))) * 10) / 10;
  const middle = barHeight / 2;
  const { value, low, high } = ratio;
  const interval = low === null || high === null ? "" : `<line class="bar" x1="${x(low)}" y1="${middle}" x2="${x(high)}" y2="${middle}"/>`;
  return [
    `<svg width="${barWidth}" height="${barHeight}" viewBox="0 0 ${barWidth} ${barHeight}" role="img" aria-label="${escapeMarkup(metric)}">`,
    `<line class="axis" x1="${barWidth / 2}" y1="0" x2="${barWidth / 2}" y2="${barHeight}"/>`,
    interval,
    `<circle class="point" cx="${x(value)}" cy="${middle}" r="3"/></svg>`,
  ].join("");
}
