import { type Compared, type Comparison, isBroken } from "../harness/run/comparison.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { byCell, comparedColumns, comparisonContext, isWorse, limitSentence, unjudged } from "./comparison-words.ts";
import { escapeMarkup } from "./escape.ts";
import { style } from "./html.ts";

/** One page that needs nothing but itself: the interval of every ratio as a bar, and no script. */
export const comparisonHtml = {
  id: "comparison-html",
  file: "comparison.html",
  render: (comparison) => {
    const { base, other, compared, limits } = comparison;
    const title = escapeMarkup(`kmsmark comparison: ${base.runId} and ${other.runId}`);
    const [first = "", ...context] = comparisonContext(comparison).map(escapeMarkup);
    const judged = limits.map((limit) => `<li${isBroken(limit) ? ' class="fault"' : ""}>${escapeMarkup(limitSentence(limit))}</li>`);
    const reasons = [...context, ...unjudged(compared).map(escapeMarkup)].map((sentence) => `<li>${sentence}</li>`);
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}${barStyle}</style>
</head>
<body>
<h1>${title}</h1>
<p${comparison.unlike.length > 0 ? ' class="model"' : ""}>${first}</p>
${judged.length === 0 ? "" : `<ul>\n${judged.join("\n")}\n</ul>\n`}${sections(comparison).join("\n")}
<h2>How it was compared</h2>
<ul>
${reasons.join("\n")}
</ul>
</body>
</html>
`;
  },
} satisfies ComparisonReporter;

const barStyle = `svg { display: block; }
.axis { stroke: var(--heavy); stroke-width: 1; }
.bar { stroke: currentColor; stroke-width: 2; }
.point { fill: currentColor; }
td.bars { padding-top: 0.35rem; }
tr.worse, .worse .verdict { color: var(--fault); }
`;

/** A table a cell, with one scale for the bars of all, so that they can be compared by eye. */
function sections({ compared }: Comparison): string[] {
  const scale = scaleOf(compared);
  const heads = ["figure", ...comparedColumns.map(({ title }) => title), `−${scale}% to +${scale}%`];
  const head = heads.map((title, at) => `<th scope="col"${at === 0 || at > 5 ? "" : ' class="number"'}>${escapeMarkup(title)}</th>`);
  return byCell(compared).map(([cell, ofCell]) => {
    const rows = ofCell.map((each) => {
      const texts = comparedColumns.map(({ of }, at) => `<td${at < 5 ? ' class="number"' : ""}>${escapeMarkup(of(each))}</td>`);
      const name = `<th scope="row">${escapeMarkup(`${each.phase} ${each.figure}`)}</th>`;
      return `<tr${isWorse(each) ? ' class="worse"' : ""}>${name}${texts.join("")}<td class="bars">${bar(each, scale)}</td></tr>`;
    });
    return [
      `<h2>${escapeMarkup(cell)}</h2>`,
      `<div class="scroll"><table>\n<thead><tr>${head.join("")}</tr></thead>\n<tbody>`,
      ...rows,
      "</tbody></table></div>",
    ].join("\n");
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
