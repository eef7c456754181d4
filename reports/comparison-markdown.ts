import { isBroken } from "../harness/run/comparison.ts";
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
import { table } from "./markdown.ts";

/** Of what a check received, so that a comment on a pull request holds all rows. */
const whyLengthMax = 300;

/** For a pull request: whether the runs are alike, the limits, then the figures of each cell. */
export const comparisonMarkdown = {
  id: "comparison-markdown",
  file: "comparison.md",
  render: (comparison) => {
    const { compared, limits } = comparison;
    const [first = "", ...context] = comparisonContext(comparison);
    const sentences = limits.map((limit) => `- ${isBroken(limit) ? "**Fault:** " : ""}${escapeMarkdown(limitSentence(limit))}`);
    const figures =
      compared.length === 0
        ? ""
        : table({
            first: "cell",
            heads: [{ title: "figure", holds: "words" }, ...comparedColumns.map(({ title }) => ({ title, holds: "figures" }) as const)],
            groups: byCell(compared).map(([name, ofCell]) => ({
              name,
              rows: ofCell.map((each) => [`${each.phase} ${each.figure}`, ...comparedColumns.map(({ of }) => of(each))]),
            })),
          });
    const checks = checkSentences(comparison.checks).map(({ text, isWorse }) => `- ${isWorse ? "**Worse:** " : ""}${escapeMarkdown(text)}`);
    const changed = changedChecks(comparison.checks);
    const changes =
      changed.length === 0
        ? ""
        : table({
            first: "check",
            heads: ["level", "A", "B", "why"].map((title) => ({ title, holds: "words" })),
            groups: changed.map((check) => ({
              name: check.id,
              rows: [[check.level, endWord(check.base), endWord(check.other), clip(whyChanged(check), whyLengthMax)]],
            })),
          });
    const reasons = [...unjudged(compared), ...context].map((sentence) => `- ${escapeMarkdown(sentence)}`);
    const parts = [
      "# kmsmark comparison",
      escapeMarkdown(first),
      sentences.join("\n"),
      checks.join("\n"),
      changes,
      figures,
      reasons.join("\n"),
    ];
    return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
  },
} satisfies ComparisonReporter;
