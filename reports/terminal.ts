import { type CheckResult, checkVerdicts, type KmsEvent, type Result, type StepResult } from "../harness/run/schema.ts";
import { cellFaults } from "../harness/run/verdict.ts";
import { type Answer, answersOf, answerText } from "./answers.ts";
import { byArea, type Trouble, troubleName, troublesOf, verdictWords } from "./checks.ts";
import type { Column } from "./column.ts";
import { clip, oneLine } from "./escape.ts";
import { kmsCalls, kmsColumns } from "./kms-calls.ts";
import { measuredOn } from "./measured-on.ts";
import { columnsOf, factsOf, troubles } from "./phase-columns.ts";
import { planTables } from "./plan.ts";
import { type CellRows, type CellSection, type ShownPhase, sectionsOf } from "./rounds.ts";
import { byPart, eventColumns, stepTroubles, stepWords } from "./steps.ts";

/** Below this nothing useful fits, and lines are left to the terminal to wrap. */
export const columnsMin = 60;

/** Room for a provider, a parameter and a KMS method; a run folder may hold a longer name than any of those, and it is cut. */
const labelLengthMax = 38;

/** Pieces of evidence of one check, and the length of a text in them; `report.html` has the others. */
const evidenceMax = 3;
const evidenceLengthMax = 400;

/** What a person reads when a run is over: what was measured on, what it showed, the figures. `columns` is the terminal's width. */
export function renderTerminal(result: Result, columns: number): string {
  const width = Math.max(columnsMin, columns);
  const context = measuredOn(result).flatMap((sentence) => wrap(sentence, width, ""));
  const found = troublesOf(result).map((trouble) => troubleLines(trouble, width));
  const answers = answersOf(result)
    .filter(({ isShown }) => !isShown)
    .flatMap((answer) => wrap(answerText(answer), width, answerMark(answer)));
  const tables = sectionsOf(result).flatMap((section) => [phases(section, width), kms(section.rows, width)]);
  const failing = stepTroubles(result.steps).map((step) => stepLines(step, width));
  const procedure = [steps(result, width), events(result, width)];
  // What failed is shown in full and says more than a sentence; how many there were then stands last, where a terminal still shows it.
  const isOfChecks = result.checks.length + result.steps.length > 0;
  const [before, after] = isOfChecks ? [[], answers] : [answers, []];
  return `${[context, before, ...found, ...failing, areas(result, width), ...procedure, after, ...tables, ...planned(result, width)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function answerMark({ tone, benchmark }: Answer): string {
  if (benchmark !== null) return "» ";
  return { fault: "✗ ", caution: "! ", plain: "· " }[tone];
}

/** A check that failed, or all that could not be judged for one reason: with what that rests on and what to do. */
function troubleLines(trouble: Trouble, width: number): string[] {
  const { isFault, checks, evidence } = trouble;
  const [{ verdict, title, reason, remedy }] = checks;
  const labelled = (label: string, text: string) => wrap(clip(text, evidenceLengthMax), width, `  ${label.padEnd(10)}`);
  const more = evidence.length - evidenceMax;
  return [
    ...wrap(troubleName(trouble), width, isFault ? "✗ " : "· "),
    ...(checks.length === 1 ? labelled("rule", title) : []),
    ...(reason === null ? [] : labelled("why", reason)),
    ...evidence
      .slice(0, evidenceMax)
      .flatMap(({ sent, received, expected }) => [
        ...labelled("sent", sent),
        ...labelled("received", received),
        ...labelled("expected", expected),
      ]),
    ...(more > 0 ? labelled("", `and ${more} more of the kind in report.html`) : []),
    ...(verdict === "fail" ? labelled("to do", remedy) : []),
  ];
}

/** A step that was refused or failed, and what to do. */
function stepLines({ id, title, verdict, reason, remedy, evidence }: StepResult, width: number): string[] {
  const labelled = (label: string, text: string) => wrap(clip(text, evidenceLengthMax), width, `  ${label.padEnd(10)}`);
  return [
    ...wrap(`${stepWords[verdict]}: ${id}`, width, "✗ "),
    ...labelled("step", title),
    ...(reason === null ? [] : labelled("why", reason)),
    ...evidence.slice(0, evidenceMax).flatMap((text) => labelled("seen", text)),
    ...(remedy === null ? [] : labelled("to do", remedy)),
  ];
}

/** Every step, part by part, with the first thing that its verdict rests on. */
function steps({ steps: all }: Result, width: number): string[] {
  return byPart(all).flatMap(([part, ofPart]) => [
    ...wrap(part, width, ""),
    ...ofPart.flatMap(({ title, verdict, evidence }) => [
      ...wrap(title, width, `  ${stepWords[verdict].padEnd(10)}`),
      ...evidence.slice(0, 1).flatMap((text) => wrap(clip(text, evidenceLengthMax), width, " ".repeat(12))),
    ]),
  ]);
}

/** So many of the trail's records are shown at the beginning and at the end; the files of the run have all. */
const eventsShownMax = 20;
/** What others wrote is cut to this, so that the table keeps to the terminal's width. */
const eventTextLengthMax = 20;
/** Of those columns in which more is worth the room. */
const eventTextLengths: Readonly<Record<string, number>> = { user: 28, key: 22 };

/** The calls that the audit trail shows, in the order of their times. */
function events({ kmsEvents }: Result, width: number): string[] {
  if (kmsEvents.length === 0) return [];
  const columns = eventColumns.map((column) => ({
    ...column,
    of: (event: KmsEvent) => clip(oneLine(column.of(event)), eventTextLengths[column.title] ?? eventTextLengthMax),
  }));
  const line = (event: KmsEvent): Line<KmsEvent> => ({ label: `  ${event.time.slice(11, 19)}`, row: event });
  const hidden = kmsEvents.length - 2 * eventsShownMax;
  const lines =
    hidden <= 0
      ? kmsEvents.map(line)
      : [
          ...kmsEvents.slice(0, eventsShownMax).map(line),
          { words: `  … ${hidden} more, all of them in report.html and kms-events.csv`, mark: "" },
          ...kmsEvents.slice(-eventsShownMax).map(line),
        ];
  return ["KMS calls in the audit trail", ...table("  time", columns, lines, width, "left")];
}

/** How many of each suite ended how. */
function areas({ checks }: Result, width: number): string[] {
  const columns = checkVerdicts
    .filter((verdict) => checks.some((check) => check.verdict === verdict))
    .map((verdict): Column<readonly CheckResult[]> => {
      const of = (ofArea: readonly CheckResult[]) => String(ofArea.filter((check) => check.verdict === verdict).length);
      return { title: verdictWords[verdict], rank: 0, of };
    });
  const lines = byArea(checks).map(([area, ofArea]) => ({ label: `  ${area}`, row: ofArea }));
  return lines.length === 0 ? [] : table("Checks", columns, lines, width);
}

/** The tables of a plan; what is described stands in the files of the plan. */
function planned({ plan }: Result, width: number): string[][] {
  const tables = plan === null ? [] : planTables(plan).filter(({ table: { first } }) => first !== "field");
  return tables.map(({ title, table: { first, heads, groups } }) => {
    const rows = groups.flatMap(({ name, rows: ofGroup }) => ofGroup.map((row) => [name, ...row]));
    const isWordy = rows.some((row) => row.some((text) => text.length > wordyLength));
    if (isWordy) return [title, ...rows.flatMap((row) => wrap(row.join(": "), width, "  "))];
    const columns = [first, ...heads.map((head) => head.title)]
      .map((head, at): Column<readonly string[]> => ({ title: head, rank: at, of: (row) => oneLine(row[at] ?? "") }))
      .slice(1);
    return table(
      title,
      columns,
      rows.map((row) => ({ label: `  ${oneLine(row[0] ?? "")}`, row })),
      width,
    );
  });
}

/** Longer texts make no column. */
const wordyLength = 34;

/** Words take the whole width; figures stand in columns, `label` before them. */
type Line<Row> = { readonly words: string; readonly mark: string } | { readonly label: string; readonly row: Row };

/** The phases of one benchmark and number of secrets, provider by provider. */
function phases({ title, rows }: CellSection, width: number): string[] {
  const lines = rows.flatMap((row): Line<ShownPhase>[] => [
    {
      words: [row.label, factsOf(row)].filter((words) => words !== "").join(": "),
      mark: row.rounds.some((cell) => cellFaults(cell).length > 0) ? "✗ " : "",
    },
    ...row.phases.flatMap((phase): Line<ShownPhase>[] => {
      const trouble = troubles(phase);
      const figures = { label: `  ${phase.name}`, row: phase };
      return trouble === "" ? [figures] : [figures, { words: trouble, mark: "    ! " }];
    }),
  ]);
  return table(title, columnsOf(rows), lines, width);
}

/** What the tap saw, provider by provider; nothing where it saw no call. */
function kms(cells: readonly CellRows[], width: number): string[] {
  const lines = cells.flatMap((cell) =>
    kmsCalls(cell).map((calls) => {
      const [label = ""] = pieces(oneLine(`${cell.label} ${calls.method}`), labelLengthMax);
      return { label: `  ${label}`, row: calls };
    }),
  );
  return lines.length === 0 ? [] : table("KMS calls at the tap", kmsColumns, lines, width);
}

/** Leaves out the least important columns until the others fit. */
export function table<Row>(
  title: string,
  columns: readonly Column<Row>[],
  lines: readonly Line<Row>[],
  width: number,
  align: "left" | "right" = "right",
): string[] {
  const rows = lines.map((line) => ("words" in line ? line : [line.label, ...columns.map(({ of }) => of(line.row))]));
  const texts = [[title, ...columns.map((column) => column.title)], ...rows];
  const widths = texts.reduce<number[]>(
    (widest, text) => ("words" in text ? widest : text.map((figure, at) => Math.max(widest[at] ?? 0, figure.length))),
    [],
  );
  if (columns.length > 0 && widths.reduce((sum, each) => sum + each + 2, -2) > width) {
    const lastRank = Math.max(...columns.map(({ rank }) => rank));
    const important = columns.filter(({ rank }) => rank !== lastRank);
    return table(title, important, lines, width, align);
  }
  return texts.flatMap((text) =>
    "words" in text
      ? wrap(text.words, width, text.mark)
      : [
          text
            .map((figure, at) => (at === 0 || align === "left" ? figure.padEnd(widths[at] ?? 0) : figure.padStart(widths[at] ?? 0)))
            .join("  ")
            .trimEnd(),
        ],
  );
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
function pieces(word: string, length: number): string[] {
  return word.match(new RegExp(`.{1,${length}}`, "gu")) ?? [];
}
