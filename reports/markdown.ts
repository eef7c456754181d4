import type { Evidence, Result, StepResult } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
import { type Answer, answersOf } from "./answers.ts";
import { checkTable, type Trouble, troubleName, troublesOf } from "./checks.ts";
import { clip, escapeMarkdown } from "./escape.ts";
import { type Block, fitted, lengthMax, list, tableBlock, textBlock } from "./markdown-blocks.ts";
import { contextTitle, measuredOn } from "./measured-on.ts";
import { factsOf } from "./phase-columns.ts";
import { planTables } from "./plan.ts";
import type { Reporter } from "./reporter.ts";
import { sectionsOf } from "./rounds.ts";
import { eventTable, stepTable, stepTroubles, stepWords } from "./steps.ts";
import { kmsTable, phaseTable, serverTable, type Table } from "./tables.ts";

/** Pieces of evidence of one check, and the length of a text in them. */
const evidenceMax = 8;
const evidenceLengthMax = 1000;
/** Records of the audit trail. */
const eventsMax = 100;
/** What the run answers, and what it was measured on: both stand there whatever else there is. */
const answersLengthMax = 20_000;
const contextLengthMax = 10_000;

/** For a pull request, a ticket, a job's summary page: the verdict first, what is long folded, and never longer than a comment may be. */
export const markdown = {
  id: "markdown",
  file: "summary.md",
  render: (result) => {
    const top = [heading(result), ...findings(result)];
    const end = context(result);
    const blocks = [...failures(result), ...procedure(result), ...tables(result), ...planned(result), ...allChecks(result)];
    const taken = [...top, end].reduce((sum, { length }) => sum + length + 2, 0);
    return `${[...top, ...fitted(blocks, lengthMax - taken), end].join("\n\n")}\n`;
  },
} satisfies Reporter;

/** With the verdict in it; a plan against which no limit was stated has none. */
function heading(result: Result): string {
  const { header, plan } = result;
  const hasVerdict = plan === null || plan.stated.length > 0;
  const verdict = verdicts(result).exitCode === 0 ? "passed" : "FAILED";
  return `# kmsmark ${escapeMarkdown(clip(header.command, 100))}${hasVerdict ? `: ${verdict}` : ""}`;
}

/** What was measured on, with the reason not to trust the figures if there is one; then what the run answers. */
function findings(result: Result): string[] {
  const [first = ""] = measuredOn(result);
  const answers = answersOf(result).map((answer) => `${answerMarks[answer.tone]}${answerWords(answer)}`);
  return [sentence(first), list(answers, answersLengthMax)];
}

const answerMarks: Readonly<Record<Answer["tone"], string>> = { fault: "**Fault:** ", caution: "**Note:** ", plain: "" };

function answerWords({ text, benchmark }: Answer): string {
  return benchmark === null ? sentence(text) : `**${sentence(benchmark)}:** ${sentence(text)}`;
}

/** A text of others as one, however long. */
function sentence(text: string): string {
  return escapeMarkdown(clip(text, evidenceLengthMax));
}

/** What a reviewer has to look at, each with what it rests on. */
function failures(result: Result): Block[] {
  return troublesOf(result).map((trouble) => {
    const whole = () => failure(trouble);
    const shorter = () => `${failure({ ...trouble, evidence: [] })}\n\nreport.html has the evidence.`;
    return textBlock(troubleName(trouble), whole, shorter);
  });
}

function failure(trouble: Trouble): string {
  const [{ verdict, title, reason, remedy }] = trouble.checks;
  return [
    `## ${escapeMarkdown(troubleName(trouble))}`,
    ...(trouble.checks.length === 1 ? [sentence(`Rule: ${title}`)] : []),
    ...(reason === null ? [] : [sentence(`Why: ${reason}`)]),
    ...(trouble.evidence.length === 0 ? [] : [evidenceTable(trouble.evidence)]),
    ...(verdict === "fail" ? [sentence(`To do: ${remedy}`)] : []),
  ].join("\n\n");
}

/** The steps that do not hold with what they rest on, all of them in a table, and what the audit trail shows. */
function procedure({ steps, kmsEvents }: Result): Block[] {
  if (steps.length === 0) return [];
  const events = kmsEvents.slice(0, eventsMax);
  const title = `KMS calls in the audit trail, ${kmsEvents.length}${events.length < kmsEvents.length ? `, the first ${eventsMax}` : ""}`;
  return [
    ...stepTroubles(steps).map((step) =>
      textBlock(
        step.id,
        () => stepFailure(step),
        () => stepFailure({ ...step, evidence: [] }),
      ),
    ),
    tableBlock("All steps", stepTable(steps)),
    ...(events.length === 0 ? [] : [tableBlock(title, eventTable(events), { isFolded: true })]),
  ];
}

function stepFailure({ id, title, verdict, reason, remedy, evidence }: StepResult): string {
  return [
    `## ${sentence(`${stepWords[verdict]}: ${id}`)}`,
    sentence(`Step: ${title}`),
    ...(reason === null ? [] : [sentence(`Why: ${reason}`)]),
    ...(evidence.length === 0 ? [] : [list(evidence.slice(0, evidenceMax).map(sentence), lengthMax)]),
    ...(remedy === null ? [] : [sentence(`To do: ${remedy}`)]),
  ].join("\n\n");
}

function evidenceTable(evidence: readonly Evidence[]): string {
  const rows = evidence.slice(0, evidenceMax).map((piece) => [piece.sent, piece.received, piece.expected].map(sentence));
  const rest = evidence.length > evidenceMax ? `\n\nThe first ${evidenceMax} of ${evidence.length} pieces of evidence.` : "";
  return `${[["sent", "received", "expected"], ["---", "---", "---"], ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")}${rest}`;
}

/** Folded, because it is long and the failures stand above. */
function allChecks({ checks }: Result): Block[] {
  return checks.length === 0 ? [] : [tableBlock("All checks", checkTable(checks), { isFolded: true })];
}

function tables(result: Result): Block[] {
  return sectionsOf(result).flatMap(({ title, rows }) => {
    const facts = rows.map((row) => ({ label: row.label, text: factsOf(row) })).filter(({ text }) => text !== "");
    const notes = () =>
      list(
        facts.map(({ label, text }) => sentence(`${label}: ${text}`)),
        answersLengthMax,
      );
    return [
      tableBlock(title, phaseTable(rows), { level: 2 }),
      ...(facts.length === 0 ? [] : [textBlock(`${title}: stored values`, notes)]),
      ...section("KMS calls at the tap", kmsTable(rows)),
      ...section("The API server's own counters", serverTable(rows)),
    ];
  });
}

/** What a plan predicts, table by table. */
function planned({ plan }: Result): Block[] {
  return plan === null ? [] : planTables(plan).flatMap(({ title, table: content }) => section(title, content));
}

/** Nothing where the table has no row. */
function section(title: string, content: Table): Block[] {
  return content.groups.length === 0 ? [] : [tableBlock(title, content, { level: 3 })];
}

function context(result: Result): string {
  return `## ${contextTitle(result)}\n\n${list(measuredOn(result).map(sentence), contextLengthMax)}`;
}
