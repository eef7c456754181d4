import type { Paint, Tone } from "../harness/run/look.ts";
import {
  type CheckResult,
  type CheckVerdict,
  checkVerdicts,
  type KmsEvent,
  type Result,
  type StepResult,
  type StepVerdict,
} from "../harness/run/schema.ts";
import { cellFaults } from "../harness/run/verdict.ts";
import { type Answer, answersOf, answerText } from "./answers.ts";
import { byArea, type Trouble, troubleName, troublesOf, verdictWords } from "./checks.ts";
import type { Column } from "./column.ts";
import { clip, oneLine } from "./escape.ts";
import { kmsCalls, kmsColumns } from "./kms-calls.ts";
import { type Line, marked, pieces, type Surface, surfaceOf, table, wrap } from "./layout.ts";
import { measuredOn } from "./measured-on.ts";
import { columnsOf, factsOf, troubles } from "./phase-columns.ts";
import { planTables } from "./plan.ts";
import { type CellRows, type CellSection, type ShownPhase, sectionsOf } from "./rounds.ts";
import { byPart, eventColumns, stepTroubles, stepWords } from "./steps.ts";

/** Room for a provider, a parameter and a KMS method; a run folder may hold a longer name than any of those, and it is cut. */
const labelLengthMax = 38;

/** Pieces of evidence of one check, and the length of a text in them; `report.html` has the others. */
const evidenceMax = 3;
const evidenceLengthMax = 400;

/** What a person reads when a run is over: what was measured on, what it showed, the figures. `columns` is the terminal's width,
 * `paint` its colours. */
export function renderTerminal(result: Result, columns: number, paint?: Paint): string {
  const surface = surfaceOf(columns, paint);
  const { width } = surface;
  const context = measuredOn(result).flatMap((sentence) => wrap(sentence, width, ""));
  const found = troublesOf(result).map((trouble) => troubleLines(trouble, surface));
  const answers = answersOf(result)
    .filter(({ isShown }) => !isShown)
    .flatMap((answer) => answerLines(answer, surface));
  const tables = sectionsOf(result).flatMap((section) => [phases(section, surface), kms(section.rows, surface)]);
  const failing = stepTroubles(result.steps).map((step) => stepLines(step, surface));
  const procedure = [steps(result, surface), events(result, surface)];
  // What failed is shown in full and says more than a sentence; how many there were then stands last, where a terminal still shows it.
  const isOfChecks = result.checks.length + result.steps.length > 0;
  const [before, after] = isOfChecks ? [[], answers] : [answers, []];
  return `${[context, before, ...found, ...failing, areas(result, surface), ...procedure, after, ...tables, ...planned(result, surface)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function answerLines(answer: Answer, surface: Surface): string[] {
  const text = answerText(answer);
  if (answer.benchmark !== null) return headed(text, surface, "» ", "strong");
  if (answer.tone === "fault") return marked(text, surface, "✗ ", "fault");
  return answer.tone === "caution" ? marked(text, surface, "! ", "doubt") : wrap(text, surface.width, "· ");
}

/** A check that failed, or all that could not be judged for one reason: with what that rests on and what to do. */
function troubleLines(trouble: Trouble, surface: Surface): string[] {
  const { isFault, checks, evidence } = trouble;
  const { width } = surface;
  const [{ verdict, title, reason, remedy }] = checks;
  const labelled = (label: string, text: string) => wrap(clip(text, evidenceLengthMax), width, `  ${label.padEnd(10)}`);
  const more = evidence.length - evidenceMax;
  return [
    ...headed(troubleName(trouble), surface, isFault ? "✗ " : "· ", isFault ? "fault" : "doubt"),
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
function stepLines({ id, title, verdict, reason, remedy, evidence }: StepResult, surface: Surface): string[] {
  const { width } = surface;
  const labelled = (label: string, text: string) => wrap(clip(text, evidenceLengthMax), width, `  ${label.padEnd(10)}`);
  return [
    ...headed(`${stepWords[verdict]}: ${id}`, surface, "✗ ", "fault"),
    ...labelled("step", title),
    ...(reason === null ? [] : labelled("why", reason)),
    ...evidence.slice(0, evidenceMax).flatMap((text) => labelled("seen", text)),
    ...(remedy === null ? [] : labelled("to do", remedy)),
  ];
}

/** A sentence whose words before the colon have the tone of the mark before them. */
function headed(sentence: string, surface: Surface, mark: string, tone: Tone): string[] {
  const head = sentence.slice(0, sentence.indexOf(":") + 1);
  const [first = "", ...others] = wrap(sentence, surface.width, mark);
  const { length } = first.startsWith(mark + head) ? mark + head : mark;
  return [surface.paint(tone, first.slice(0, length)) + first.slice(length), ...others];
}

const stepTones: Readonly<Record<StepVerdict, Tone>> = { verified: "good", refused: "fault", failed: "fault", skipped: "faint" };
const verdictTones: Readonly<Partial<Record<CheckVerdict, Tone>>> = { pass: "good", fail: "fault", inconclusive: "doubt" };

/** Every step, part by part, with the first thing that its verdict rests on. */
function steps({ steps: all }: Result, surface: Surface): string[] {
  return byPart(all).flatMap(([part, ofPart]) => [
    ...wrap(part, surface.width, "").map((line) => surface.paint("strong", line)),
    ...ofPart.flatMap(({ title, verdict, evidence }) => [
      ...marked(title, surface, `  ${stepWords[verdict].padEnd(10)}`, stepTones[verdict]),
      ...evidence.slice(0, 1).flatMap((text) => wrap(clip(text, evidenceLengthMax), surface.width, " ".repeat(12))),
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
function events({ kmsEvents }: Result, surface: Surface): string[] {
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
  const title = surface.paint("strong", "KMS calls in the audit trail");
  return [title, ...table({ title: "  time", columns, lines, align: "left" }, surface)];
}

/** How many of each suite ended how. */
function areas({ checks }: Result, surface: Surface): string[] {
  const columns = checkVerdicts
    .filter((verdict) => checks.some((check) => check.verdict === verdict))
    .map((verdict): Column<readonly CheckResult[]> => {
      const count = (ofArea: readonly CheckResult[]) => ofArea.filter((check) => check.verdict === verdict).length;
      const tone = (ofArea: readonly CheckResult[]) => (count(ofArea) > 0 ? verdictTones[verdict] : undefined);
      return { title: verdictWords[verdict], rank: 0, of: (ofArea) => String(count(ofArea)), tone };
    });
  const lines = byArea(checks).map(([area, ofArea]) => ({ label: `  ${area}`, row: ofArea }));
  return lines.length === 0 ? [] : table({ title: "Checks", columns, lines }, surface);
}

/** The tables of a plan; what is described stands in the files of the plan. */
function planned({ plan }: Result, surface: Surface): string[][] {
  const tables = plan === null ? [] : planTables(plan).filter(({ table: { first } }) => first !== "field");
  return tables.map(({ title, table: { heads, groups } }) => {
    const rows = groups.flatMap(({ name, rows: ofGroup }) => ofGroup.map((row) => [name, ...row]));
    const isWordy = rows.some((row) => row.some((text) => text.length > wordyLength));
    if (isWordy) return [surface.paint("strong", title), ...rows.flatMap((row) => wrap(row.join(": "), surface.width, "  "))];
    // Words before the figures belong to the row's name: a figure without them would say nothing.
    const names = heads.some(({ holds }) => holds === "figures") ? heads.findIndex(({ holds }) => holds === "figures") : 0;
    const columns = heads
      .slice(names)
      .map(({ title: head }, at): Column<readonly string[]> => ({ title: head, rank: at, of: (row) => oneLine(row[at] ?? "") }));
    const lines = rows.map((row) => ({ label: `  ${oneLine(row.slice(0, names + 1).join(" "))}`, row: row.slice(names + 1) }));
    return table({ title, columns, lines }, surface);
  });
}

/** Longer texts make no column. */
const wordyLength = 34;

/** The phases of one benchmark and number of secrets, provider by provider. */
function phases({ title, rows }: CellSection, surface: Surface): string[] {
  const lines = rows.flatMap((row): Line<ShownPhase>[] => [
    {
      words: [row.label, factsOf(row)].filter((words) => words !== "").join(": "),
      ...(row.rounds.some((cell) => cellFaults(cell).length > 0) ? { mark: "✗ ", tone: "fault" } : { mark: "" }),
    },
    ...row.phases.flatMap((phase): Line<ShownPhase>[] => {
      const trouble = troubles(phase);
      const figures = { label: `  ${phase.name}`, row: phase };
      return trouble === "" ? [figures] : [figures, { words: trouble, mark: "    ! ", tone: "fault" }];
    }),
  ]);
  return table({ title, columns: columnsOf(rows), lines }, surface);
}

/** What the tap saw, provider by provider; nothing where it saw no call. */
function kms(cells: readonly CellRows[], surface: Surface): string[] {
  const lines = cells.flatMap((cell) =>
    kmsCalls(cell).map((calls) => {
      const [label = ""] = pieces(oneLine(`${cell.label} ${calls.method}`), labelLengthMax);
      return { label: `  ${label}`, row: calls };
    }),
  );
  return lines.length === 0 ? [] : table({ title: "KMS calls at the tap", columns: kmsColumns, lines }, surface);
}
