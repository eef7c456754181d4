import { type Comparison, isBroken } from "../harness/run/comparison.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import {
  byCell,
  changedChecks,
  checkSentences,
  comparedColumns,
  comparisonContext,
  endWord,
  limitSentence,
  unjudged,
  whyChanged,
} from "./comparison-words.ts";
import { clip, escapeMarkdown } from "./escape.ts";
import { fitted, lengthMax, list, tableBlock } from "./markdown-blocks.ts";
import type { Table } from "./tables.ts";

/** Of what a check received, so that a comment on a pull request holds all rows. */
const whyLengthMax = 300;

/** The limits, the checks and the reasons have their room, whatever else there is; and the length of one of them. */
const listLengthMax = 12_000;
const sentenceLengthMax = 1000;

/** For a pull request: whether the runs are alike, the limits, then the figures of each cell; never longer than a comment may be. */
export const comparisonMarkdown = {
  id: "comparison-markdown",
  file: "comparison.md",
  render: (comparison) => {
    const { compared, limits } = comparison;
    const [first = "", ...context] = comparisonContext(comparison);
    const changed = changedChecks(comparison.checks);
    const top = [
      "# kmsmark comparison",
      sentenceOf(first),
      sentences(limits.map((limit) => `${isBroken(limit) ? "**Fault:** " : ""}${sentenceOf(limitSentence(limit))}`)),
      sentences(checkSentences(comparison.checks).map(({ text, isWorse }) => `${isWorse ? "**Worse:** " : ""}${sentenceOf(text)}`)),
    ];
    const end = sentences([...unjudged(compared), ...context].map(sentenceOf));
    const blocks = [
      ...(changed.length === 0 ? [] : [tableBlock("Checks that ended otherwise", changeTable(changed))]),
      ...(compared.length === 0 ? [] : [tableBlock("All figures", figureTable(compared))]),
    ];
    const taken = [...top, end].reduce((sum, { length }) => sum + length + 2, 0);
    const parts = [...top, ...fitted(blocks, lengthMax - taken), end];
    return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
  },
} satisfies ComparisonReporter;

function sentenceOf(text: string): string {
  return escapeMarkdown(clip(text, sentenceLengthMax));
}

function sentences(items: readonly string[]): string {
  return list(items, listLengthMax);
}

function figureTable(compared: Comparison["compared"]): Table {
  return {
    first: "cell",
    heads: [{ title: "figure", holds: "words" }, ...comparedColumns.map(({ title }) => ({ title, holds: "figures" }) as const)],
    groups: byCell(compared).map(([name, ofCell]) => ({
      name,
      rows: ofCell.map((each) => [`${each.phase} ${each.figure}`, ...comparedColumns.map(({ of }) => of(each))]),
    })),
  };
}

function changeTable(changed: ReturnType<typeof changedChecks>): Table {
  return {
    first: "check",
    heads: ["level", "A", "B", "why"].map((title) => ({ title, holds: "words" })),
    groups: changed.map((check) => ({
      name: check.id,
      rows: [[check.level, endWord(check.base), endWord(check.other), clip(whyChanged(check), whyLengthMax)]],
    })),
  };
}
