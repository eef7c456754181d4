import { isBroken } from "../harness/run/comparison.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { byCell, comparedColumns, comparisonContext, limitSentence, unjudged } from "./comparison-words.ts";
import { escapeMarkdown } from "./escape.ts";
import { table } from "./markdown.ts";

/** For a pull request: whether the runs are alike, the limits, then the figures of each cell. */
export const comparisonMarkdown = {
  id: "comparison-markdown",
  file: "comparison.md",
  render: (comparison) => {
    const { compared, limits } = comparison;
    const [first = "", ...context] = comparisonContext(comparison);
    const sentences = limits.map((limit) => `- ${isBroken(limit) ? "**Fault:** " : ""}${escapeMarkdown(limitSentence(limit))}`);
    const figures = table({
      first: "cell",
      heads: [{ title: "figure", holds: "words" }, ...comparedColumns.map(({ title }) => ({ title, holds: "figures" }) as const)],
      groups: byCell(compared).map(([name, ofCell]) => ({
        name,
        rows: ofCell.map((each) => [`${each.phase} ${each.figure}`, ...comparedColumns.map(({ of }) => of(each))]),
      })),
    });
    const reasons = [...unjudged(compared), ...context].map((sentence) => `- ${escapeMarkdown(sentence)}`);
    const parts = ["# kmsmark comparison", escapeMarkdown(first), sentences.join("\n"), figures, reasons.join("\n")];
    return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
  },
} satisfies ComparisonReporter;
