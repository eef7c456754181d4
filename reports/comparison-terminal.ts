import { type Comparison, isBroken } from "../harness/run/comparison.ts";
import type { Paint } from "../harness/run/look.ts";
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
import { marked, surfaceOf, table, wrap } from "./layout.ts";

/** Room for a phase and its figure; the files of the comparison have all of a longer name. */
const labelLengthMax = 36;

/** Of what a check received; the page has all of it. */
const whyLengthMax = 300;

/** What a person reads of a comparison: whether the runs are alike, what became of the limits, the figures. `columns` is the terminal's width, `paint` its colours. */
export function renderComparison(comparison: Comparison, columns: number, paint?: Paint): string {
  const surface = surfaceOf(columns, paint);
  const { width } = surface;
  const context = comparisonContext(comparison).flatMap((sentence) => wrap(sentence, width, ""));
  const limits = comparison.limits.flatMap((limit) =>
    isBroken(limit) ? marked(limitSentence(limit), surface, "✗ ", "fault") : wrap(limitSentence(limit), width, "· "),
  );
  const tables = byCell(comparison.compared).map(([cell, compared]) =>
    table(
      {
        title: oneLine(cell),
        columns: comparedColumns,
        lines: compared.map((each) => ({ label: `  ${clip(oneLine(`${each.phase} ${each.figure}`), labelLengthMax)}`, row: each })),
      },
      surface,
    ),
  );
  const checks = checkSentences(comparison.checks).flatMap(({ text, isWorse }) =>
    isWorse ? marked(text, surface, "✗ ", "fault") : wrap(text, width, "· "),
  );
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
