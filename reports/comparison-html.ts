import { type Compared, type Comparison, isBroken } from "../harness/run/comparison.ts";
import type { Answer } from "./answers.ts";
import type { Axis, ForestChart, ForestRow, Kind, Tone } from "./charts/chart.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import {
  byCell,
  checkSentences,
  comparedColumns,
  comparisonContext,
  figureSentence,
  intervalText,
  isBetter,
  isWorse,
  limitSentence,
  unjudged,
} from "./comparison-words.ts";
import { escapeMarkup } from "./escape.ts";
import { answerList } from "./html/answers.ts";
import { comparedCheckSections } from "./html/compared-checks.ts";
import { renderPage } from "./html/page.ts";
import type { Charts, Section } from "./html/section.ts";
import { scrolled } from "./html/table.ts";

/** The page of a comparison: what is worse, every change with its interval, the figures, and the checks side by side. */
export const comparisonHtml = {
  id: "comparison-html",
  file: "comparison.html",
  render: (comparison) => {
    const { base, other, between, compared, unlike } = comparison;
    const [subject = "", ...context] = comparisonContext(comparison);
    const reasons = [...context, ...unjudged(compared)].map((sentence) => `<li>${escapeMarkup(sentence)}</li>`);
    const [a, b] = between === null ? [base.runId, other.runId] : [between.base, between.other];
    const answers = answersOf(comparison);
    return renderPage({
      title: `kmsmark comparison: ${a} and ${b}`,
      heading: `${a} and ${b}`,
      kicker: "kmsmark comparison",
      subject,
      facts: [
        ...(isOfModel(comparison) ? [{ text: "model", tone: "model" } as const] : []),
        { text: unlike.length === 0 ? "alike" : "unlike runs", tone: unlike.length === 0 ? "good" : "fault" },
        { text: `A is ${a}`, tone: "plain" },
        { text: `B is ${b}`, tone: "plain" },
      ],
      isModel: unlike.length > 0,
      sections: [
        ...(answers.length === 0 ? [] : [{ id: "answers", title: "In short", parts: [answerList(answers)] }]),
        ...changeSections(comparison),
        ...comparedCheckSections(comparison),
        ...figureSections(comparison),
        { id: "how", title: "How it was compared", parts: [`<ul>\n${reasons.join("\n")}\n</ul>`] },
      ],
    });
  },
} satisfies ComparisonReporter;

/** The limits, and what became of checks and figures, the worst news first. */
function answersOf({ limits, checks, compared }: Comparison): Pick<Answer, "text" | "tone" | "benchmark">[] {
  const tones: readonly Answer["tone"][] = ["fault", "caution", "plain"];
  const answers = [
    ...limits.map((limit) => ({ text: limitSentence(limit), tone: isBroken(limit) ? "fault" : "plain", benchmark: null }) as const),
    ...checkSentences(checks).map(({ text, isWorse: isBad }) => ({ text, tone: isBad ? "fault" : "plain", benchmark: null }) as const),
    ...figureSentence(compared).map((text) => ({ text, tone: compared.some(isWorse) ? "caution" : "plain", benchmark: null }) as const),
  ];
  return answers.toSorted((a, b) => tones.indexOf(a.tone) - tones.indexOf(b.tone));
}

function isOfModel({ base, other }: Comparison): boolean {
  return [base, other].some(({ target }) => target?.isModel === true);
}

const changeAxis = {
  title: "change from A to B",
  column: "change_percent",
  scale: "linear",
  text: (percent) => `${percent > 0 ? "+" : ""}${Number(percent.toPrecision(3))} %`,
} as const satisfies Axis;

/** So many rows are looked through at once; what comes after them lies folded. */
const rowsMax = 40;

/** Every change with its interval, all on one scale. */
function changeSections(comparison: Comparison): Section[] {
  const kind: Kind = isOfModel(comparison) ? "model" : "measured";
  const shown = comparison.compared.filter(({ ratio }) => ratio !== null);
  if (shown.length === 0) return [];
  const scale = scaleOf(shown);
  const parts = pagesOf(byCell(shown)).map((cells, at): Charts => {
    const [first = "", last = ""] = [cells.at(0)?.[0], cells.at(-1)?.[0]];
    const chart: ForestChart = {
      shape: "forest",
      id: `changes-${at + 1}`,
      title: cells.length === 1 ? `Changes, ${first}` : "Changes, cell by cell",
      caption: captionOf(cells.flatMap(([, ofCell]) => ofCell)),
      ...{ groups: "cell", rows: "figure", value: changeAxis, domain: [Math.max(-scale, -100), scale] },
      lines: [{ at: 0, name: "no change", isLimit: false }, ...limitLines(comparison, scale)],
      of: cells.map(([name, ofCell]) => ({ name: cells.length === 1 ? "" : name, rows: ofCell.flatMap((each) => rowOf(each, kind)) })),
    };
    return { charts: [chart], folded: at === 0 ? null : first === last ? first : `${first} to ${last}` };
  });
  return [{ id: "changes", title: "What changed", parts }];
}

/** Cells in their order, so many together as a chart has rows for. */
function pagesOf(cells: readonly Cells[number][]): Cells[] {
  const pages: Cells[] = [];
  let rows = 0;
  for (const cell of cells) {
    rows += cell[1].length;
    const page = pages.at(-1);
    if (page === undefined || rows > rowsMax) {
      pages.push([cell]);
      rows = cell[1].length;
    } else page.push(cell);
  }
  return pages;
}

type Cells = ReturnType<typeof byCell>;

function captionOf(ofCell: readonly Compared[]): string {
  const bare = ofCell.some(({ ratio }) => ratio?.low === null);
  return `The mark is the estimate, the line its interval; one that crosses the middle is no difference that can be told from chance.${bare ? " Counts have no interval." : ""}`;
}

function rowOf(compared: Compared, kind: Kind): ForestRow[] {
  const { phase, figure, ratio, verdict } = compared;
  if (ratio === null) return [];
  const [mark, tone]: [string, Tone] = isWorse(compared)
    ? ["worse", "vermilion"]
    : isBetter(compared)
      ? ["better", "green"]
      : verdict === "lower" || verdict === "higher"
        ? ["changed", "amber"]
        : [verdict, "grey"];
  const percent = (value: number | null) => (value === null ? null : (value - 1) * 100);
  return [
    {
      ...{ name: `${phase} ${figure}`, mark, tone, kind },
      ...{ value: (ratio.value - 1) * 100, low: percent(ratio.low), high: percent(ratio.high), text: intervalText(compared) },
    },
  ];
}

/** The limits in percent that lie on the scale, each once. */
function limitLines({ limits }: Comparison, scale: number): { at: number; name: string; isLimit: boolean }[] {
  const percents = limits.flatMap(({ expression }) => {
    const [, percent] = /[<>]\s*([+-]?\d+(?:\.\d+)?)\s*%$/.exec(expression) ?? [];
    return percent === undefined ? [] : [Number(percent)];
  });
  const within = [...new Set(percents)].filter((percent) => percent !== 0 && Math.abs(percent) <= scale);
  return within.map((at) => ({ at, name: `limit ${changeAxis.text(at)}`, isLimit: true }));
}

/** The ends of the scale in percent: what holds nine intervals of ten, so that one that is far out does not make dots of the others. */
function scaleOf(compared: readonly Compared[]): number {
  const ends = compared
    .flatMap(({ ratio }) =>
      ratio === null ? [] : [Math.max(Math.abs((ratio.low ?? ratio.value) - 1), Math.abs((ratio.high ?? ratio.value) - 1))],
    )
    .sort((a, b) => a - b);
  const end = (ends[Math.floor(ends.length * 0.9)] ?? ends.at(-1) ?? 0) * 100;
  return [4, 10, 20, 40, 100, 200, 400].find((each) => end <= each) ?? 1000;
}

/** A table a cell. */
function figureSections({ compared }: Comparison): Section[] {
  const heads = ["figure", ...comparedColumns.map(({ title }) => title)];
  const head = heads.map((title, at) => `<th scope="col"${at === 0 || at > 5 ? "" : ' class="number"'}>${escapeMarkup(title)}</th>`);
  return byCell(compared).map(([cell, ofCell], index) => {
    const rows = ofCell.map((each) => {
      const texts = comparedColumns.map(({ of }, at) => `<td${at < 5 ? ' class="number"' : ""}>${escapeMarkup(of(each))}</td>`);
      const name = `<th scope="row">${escapeMarkup(`${each.phase} ${each.figure}`)}</th>`;
      return `<tr${isWorse(each) ? ' class="worse"' : ""}>${name}${texts.join("")}</tr>`;
    });
    const table = `<table>\n<thead><tr>${head.join("")}</tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody></table>`;
    return { id: `cell-${index + 1}`, title: cell, parts: [scrolled(`Figures of ${cell}`, table)] };
  });
}
