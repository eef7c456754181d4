import type { Cell, Result } from "../harness/run/schema.ts";
import { cellFaults, verdicts } from "../harness/run/verdict.ts";
import { oneLine } from "./escape.ts";
import { measuredOn } from "./measured-on.ts";
import { type PhaseColumn, phaseColumns, storedSummary, troubles } from "./phase-columns.ts";

/** Below this nothing useful fits, and lines are left to the terminal to wrap. */
const columnsMin = 60;

/** What a person reads when a run is over: what was measured on, what it showed, the figures. `columns` is the terminal's width. */
export function renderTerminal(result: Result, columns: number): string {
  const width = Math.max(columnsMin, columns);
  const context = measuredOn(result).flatMap((sentence) => wrap(sentence, width, ""));
  const findings = verdicts(result).sentences.flatMap(({ text, isFault }) => wrap(text, width, isFault ? "✗ " : "· "));
  const sizes = [...new Set(result.cells.map(({ secrets }) => secrets))];
  const tables = sizes.map((secrets) =>
    table(
      secrets,
      result.cells.filter((cell) => cell.secrets === secrets),
      width,
    ),
  );
  return `${[context, findings, ...tables].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

type Line = { readonly words: string; readonly mark: string } | { readonly figures: readonly string[] };

/** The phases of one number of secrets, provider by provider. */
function table(secrets: number, cells: readonly Cell[], width: number): string[] {
  const lines = (columns: readonly PhaseColumn[]): Line[] => [
    { figures: [`${secrets} secrets`, ...columns.map(({ title }) => title)] },
    ...cells.flatMap((cell): Line[] => [
      { words: `${cell.provider}: ${storedSummary(cell)}`, mark: cellFaults(cell).length > 0 ? "✗ " : "" },
      ...cell.phases.flatMap((phase): Line[] => {
        const trouble = troubles(phase);
        const figures = { figures: [`  ${phase.name}`, ...columns.map(({ of }) => of(phase))] };
        return trouble === "" ? [figures] : [figures, { words: trouble, mark: "    ! " }];
      }),
    ]),
  ];
  let columns = phaseColumns;
  let widths = widthsOf(lines(columns));
  while (columns.length > 0 && widths.reduce((sum, each) => sum + each + 2, -2) > width) {
    const lastRank = Math.max(...columns.map(({ rank }) => rank));
    columns = columns.filter(({ rank }) => rank !== lastRank);
    widths = widthsOf(lines(columns));
  }
  return lines(columns).flatMap((line) =>
    "words" in line
      ? wrap(line.words, width, line.mark)
      : [line.figures.map((figure, at) => (at === 0 ? figure.padEnd(widths[at] ?? 0) : figure.padStart(widths[at] ?? 0))).join("  ")],
  );
}

/** Of each column, the width of its widest figure. */
function widthsOf(lines: readonly Line[]): number[] {
  const widths: number[] = [];
  for (const line of lines) {
    if ("words" in line) continue;
    for (const [at, figure] of line.figures.entries()) widths[at] = Math.max(widths[at] ?? 0, figure.length);
  }
  return widths;
}

/** Breaks a sentence into lines of at most `width` characters: `mark` stands before the first, blanks before the others. */
function wrap(sentence: string, width: number, mark: string): string[] {
  const room = width - mark.length;
  const lines: string[] = [];
  for (const word of oneLine(sentence)
    .split(" ")
    .flatMap((whole) => pieces(whole, room))) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map((line, at) => (at === 0 ? mark : " ".repeat(mark.length)) + line);
}

/** A word, cut where it is longer than a line. */
function pieces(word: string, length: number): string[] {
  return word.match(new RegExp(`.{1,${length}}`, "gu")) ?? [];
}
