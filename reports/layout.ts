import { type Paint, plainly, type Tone } from "../harness/run/look.ts";
import type { Column } from "./column.ts";
import { oneLine } from "./escape.ts";

/** Below this nothing useful fits, and lines are left to the terminal to wrap. */
const columnsMin = 60;

/** What a text is laid out for. */
export interface Surface {
  /** In characters; no line is longer. */
  readonly width: number;
  readonly paint: Paint;
}

/** A terminal of so many columns, without colours unless `paint` gives them. */
export function surfaceOf(columns: number, paint: Paint = plainly): Surface {
  return { width: Math.max(columnsMin, columns), paint };
}

/** Words take the whole width; figures stand in columns, `label` before them. */
export type Line<Row> =
  | { readonly words: string; readonly mark: string; readonly tone?: Tone }
  | { readonly label: string; readonly row: Row };

export interface TextTable<Row> {
  readonly title: string;
  readonly columns: readonly Column<Row>[];
  readonly lines: readonly Line<Row>[];
  /** Of the columns. */
  readonly align?: "left" | "right";
}

/** Between two columns. */
const gap = "  ";

/**
 * Leaves out the least important columns until the others fit; where even the most important do not, each row's figures follow its label as
 * words. A figure is never cut.
 */
export function table<Row>({ title, columns, lines, align = "right" }: TextTable<Row>, surface: Surface): string[] {
  const { width, paint } = surface;
  const rows = lines.map((line) => ("words" in line ? line : { ...line, figures: columns.map(({ of }) => of(line.row)) }));
  const widths = columns.map(({ title: head }, at) =>
    Math.max(head.length, ...rows.map((row) => ("words" in row ? 0 : (row.figures[at] ?? "").length))),
  );
  const labelWidth = Math.max(0, ...rows.map((row) => ("words" in row ? 0 : row.label.length)));
  const room = width - widths.reduce((sum, each) => sum + each + gap.length, 0);
  if (labelWidth > room) {
    const lastRank = Math.max(...columns.map(({ rank }) => rank));
    const important = columns.filter(({ rank }) => rank !== lastRank);
    if (important.length > 0) return table({ title, columns: important, lines, align }, surface);
  }
  // A title that is longer than what stands below it would cost columns: it gets a line of its own.
  const isBeside = Math.max(title.length, labelWidth) <= room;
  const firstWidth = isBeside ? Math.max(title.length, labelWidth) : labelWidth;
  const aligned = (first: string, texts: readonly string[], painted: (text: string, at: number) => string) =>
    [first.padEnd(firstWidth), ...texts.map((text, at) => painted(padded(text, widths[at] ?? 0, align), at))].join(gap).trimEnd();
  const heads = columns.map((column) => column.title);
  const isFolded = labelWidth > room;
  return [
    ...(isBeside ? [] : wrap(title, width, "").map((line) => paint("strong", line))),
    ...(isFolded
      ? []
      : [
          paint(
            "strong",
            aligned(isBeside ? title : "", heads, (text) => text),
          ),
        ]),
    ...rows.flatMap((row) => {
      if ("words" in row) return row.tone === undefined ? wrap(row.words, width, row.mark) : marked(row.words, surface, row.mark, row.tone);
      if (isFolded)
        return wrap(`${row.label.trim()}: ${heads.map((head, at) => `${head} ${row.figures[at] ?? ""}`).join(", ")}`, width, gap);
      return [
        aligned(row.label, row.figures, (text, at) => {
          const tone = columns[at]?.tone?.(row.row);
          return tone === undefined ? text : paint(tone, text);
        }),
      ];
    }),
  ];
}

function padded(text: string, width: number, align: "left" | "right"): string {
  return align === "left" ? text.padEnd(width) : text.padStart(width);
}

/** A sentence whose mark, which stands before it, has a tone. */
export function marked(sentence: string, { width, paint }: Surface, mark: string, tone: Tone): string[] {
  const [first = "", ...others] = wrap(sentence, width, mark);
  return [paint(tone, first.slice(0, mark.length)) + first.slice(mark.length), ...others];
}

/** Breaks a sentence into lines of at most `width` characters: `mark` stands before the first, blanks before the others. */
export function wrap(sentence: string, width: number, mark: string): string[] {
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
export function pieces(word: string, length: number): string[] {
  return word.match(new RegExp(`.{1,${length}}`, "gu")) ?? [];
}
