import type { Evidence, Result, StepResult } from "../harness/run/schema.ts";
import { type Answer, answersOf } from "./answers.ts";
import { checkTable, troubleName, troublesOf } from "./checks.ts";
import { clip, escapeMarkdown } from "./escape.ts";
import { contextTitle, measuredOn } from "./measured-on.ts";
import { factsOf } from "./phase-columns.ts";
import { planTables } from "./plan.ts";
import type { Reporter } from "./reporter.ts";
import { sectionsOf } from "./rounds.ts";
import { eventTable, stepTable, stepTroubles, stepWords } from "./steps.ts";
import { kmsTable, phaseTable, serverTable, type Table } from "./tables.ts";

/** Pieces of evidence of one check, and the length of a text in them: a comment on a pull request has at most 65536 characters. */
const evidenceMax = 8;
const evidenceLengthMax = 1000;
/** Records of the audit trail, for the same reason. */
const eventsMax = 100;

/** For a pull request, a ticket, a job's summary page. */
export const markdown = {
  id: "markdown",
  file: "summary.md",
  render: (result) => {
    const title = `# kmsmark ${escapeMarkdown(result.header.command)}`;
    const parts = [
      title,
      ...findings(result),
      ...failures(result),
      ...procedure(result),
      ...tables(result),
      ...planned(result),
      ...allChecks(result),
      context(result),
    ];
    return `${parts.join("\n\n")}\n`;
  },
} satisfies Reporter;

/** What was measured on, with the reason not to trust the figures if there is one; then what the run answers. */
function findings(result: Result): string[] {
  const [first = ""] = measuredOn(result);
  const answers = answersOf(result).map((answer) => `- ${answerMarks[answer.tone]}${answerWords(answer)}`);
  return [escapeMarkdown(first), answers.join("\n")];
}

const answerMarks: Readonly<Record<Answer["tone"], string>> = { fault: "**Fault:** ", caution: "**Note:** ", plain: "" };

function answerWords({ text, benchmark }: Answer): string {
  return benchmark === null ? escapeMarkdown(text) : `**${escapeMarkdown(benchmark)}:** ${escapeMarkdown(text)}`;
}

/** What a reviewer has to look at, each with what it rests on. */
function failures(result: Result): string[] {
  return troublesOf(result).map((trouble) => {
    const [{ verdict, title, reason, remedy }] = trouble.checks;
    return [
      `## ${escapeMarkdown(troubleName(trouble))}`,
      ...(trouble.checks.length === 1 ? [escapeMarkdown(`Rule: ${title}`)] : []),
      ...(reason === null ? [] : [escapeMarkdown(`Why: ${clip(reason, evidenceLengthMax)}`)]),
      ...(trouble.evidence.length === 0 ? [] : [evidenceTable(trouble.evidence)]),
      ...(verdict === "fail" ? [escapeMarkdown(`To do: ${remedy}`)] : []),
    ].join("\n\n");
  });
}

/** The steps that do not hold with what they rest on, all of them in a table, and what the audit trail shows. */
function procedure({ steps, kmsEvents }: Result): string[] {
  if (steps.length === 0) return [];
  const events = kmsEvents.slice(0, eventsMax);
  const title = `KMS calls in the audit trail: ${kmsEvents.length}${events.length < kmsEvents.length ? `, the first ${eventsMax}` : ""}`;
  return [
    ...stepTroubles(steps).map(stepFailure),
    table(stepTable(steps)),
    ...(events.length === 0 ? [] : [`<details><summary>${title}</summary>\n\n${table(eventTable(events))}\n\n</details>`]),
  ];
}

function stepFailure({ id, title, verdict, reason, remedy, evidence }: StepResult): string {
  return [
    `## ${escapeMarkdown(`${stepWords[verdict]}: ${id}`)}`,
    escapeMarkdown(`Step: ${title}`),
    ...(reason === null ? [] : [escapeMarkdown(`Why: ${clip(reason, evidenceLengthMax)}`)]),
    ...(evidence.length === 0
      ? []
      : [
          evidence
            .slice(0, evidenceMax)
            .map((text) => `- ${escapeMarkdown(clip(text, evidenceLengthMax))}`)
            .join("\n"),
        ]),
    ...(remedy === null ? [] : [escapeMarkdown(`To do: ${remedy}`)]),
  ].join("\n\n");
}

function evidenceTable(evidence: readonly Evidence[]): string {
  const rows = evidence
    .slice(0, evidenceMax)
    .map((piece) => [piece.sent, piece.received, piece.expected].map((text) => escapeMarkdown(clip(text, evidenceLengthMax))));
  return [["sent", "received", "expected"], ["---", "---", "---"], ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Folded, because it is long and the failures stand above. */
function allChecks({ checks }: Result): string[] {
  return checks.length === 0
    ? []
    : [`<details><summary>All ${checks.length} checks</summary>\n\n${table(checkTable(checks))}\n\n</details>`];
}

function tables(result: Result): string[] {
  return sectionsOf(result).flatMap(({ title, rows }) => {
    const facts = rows.map((row) => ({ label: row.label, text: factsOf(row) })).filter(({ text }) => text !== "");
    return [
      `## ${escapeMarkdown(title)}`,
      table(phaseTable(rows)),
      ...(facts.length === 0 ? [] : [facts.map(({ label, text }) => `- ${escapeMarkdown(`${label}: ${text}`)}`).join("\n")]),
      ...section("KMS calls at the tap", kmsTable(rows)),
      ...section("The API server's own counters", serverTable(rows)),
    ];
  });
}

/** What a plan predicts, table by table. */
function planned({ plan }: Result): string[] {
  return plan === null ? [] : planTables(plan).flatMap(({ title, table: content }) => section(escapeMarkdown(title), content));
}

/** Nothing where the table has no row. */
function section(title: string, content: Table): string[] {
  return content.groups.length === 0 ? [] : [`### ${title}`, table(content)];
}

export function table({ first, heads, groups }: Table): string {
  const titles = [first, ...heads.map(({ title }) => title)];
  const rules = ["---", ...heads.map(({ holds }) => (holds === "figures" ? "---:" : "---"))];
  const rows = groups.flatMap(({ name, rows }) => rows.map((row) => [escapeMarkdown(name), ...row.map(escapeMarkdown)]));
  return [titles, rules, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function context(result: Result): string {
  return [`## ${contextTitle(result)}`, "", ...measuredOn(result).map((sentence) => `- ${escapeMarkdown(sentence)}`)].join("\n");
}
