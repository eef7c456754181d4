import { type Comparison, isBroken } from "../harness/run/comparison.ts";
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
import { clip, oneLine } from "./escape.ts";
import { columnsMin, table, wrap } from "./terminal.ts";

/** Room for a cell with its parameters, or a phase and its figure; the files of the comparison have all of a longer name. */
const labelLengthMax = 36;

/** Of what a check received; the page has all of it. */
const whyLengthMax = 300;

/** What a person reads of a comparison: whether the runs are alike, what became of the limits, the figures. `columns` is the terminal's width. */
export function renderComparison(comparison: Comparison, columns: number): string {
  const width = Math.max(columnsMin, columns);
  const context = comparisonContext(comparison).flatMap((sentence) => wrap(sentence, width, ""));
  const limits = comparison.limits.flatMap((limit) => wrap(limitSentence(limit), width, isBroken(limit) ? "✗ " : "· "));
  const tables = byCell(comparison.compared).map(([cell, compared]) =>
    table(
      clip(oneLine(cell), labelLengthMax),
      comparedColumns,
      compared.map((each) => ({ label: `  ${clip(oneLine(`${each.phase} ${each.figure}`), labelLengthMax)}`, row: each })),
      width,
    ),
  );
  const checks = checkSentences(comparison.checks).flatMap(({ text, isWorse }) => wrap(text, width, isWorse ? "✗ " : "· "));
  const changes = changedChecks(comparison.checks).flatMap((check) => [
    ...wrap(`${check.id} (${check.level}): ${endWord(check.base)} → ${endWord(check.other)}`, width, "  "),
    ...wrap(clip(whyChanged(check), whyLengthMax), width, "      "),
  ]);
  const reasons = unjudged(comparison.compared).flatMap((sentence) => wrap(sentence, width, "· "));
  return `${[context, limits, checks, changes, ...tables, reasons]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}
