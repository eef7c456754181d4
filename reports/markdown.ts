import type { CheckResult, Result } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
import { checkTable, reasons, troubled, verdictWords } from "./checks.ts";
import { escapeMarkdown } from "./escape.ts";
import { measuredOn } from "./measured-on.ts";
import { bySecrets, storedSummary } from "./phase-columns.ts";
import type { Reporter } from "./reporter.ts";
import { kmsTable, phaseTable, serverTable, type Table } from "./tables.ts";

/** For a pull request, a ticket, a job's summary page. */
export const markdown = {
  id: "markdown",
  file: "summary.md",
  render: (result) =>
    `${[`# kmsmark ${escapeMarkdown(result.header.command)}`, ...findings(result), ...failures(result), ...tables(result), ...allChecks(result), context(result)].join("\n\n")}\n`,
} satisfies Reporter;

/** The reason not to trust the figures, if there is one, then what they show. */
function findings(result: Result): string[] {
  const [first = ""] = measuredOn(result);
  const sentences = verdicts(result).sentences.map(({ text, isFault }) => `- ${isFault ? "**Fault:** " : ""}${escapeMarkdown(text)}`);
  return [escapeMarkdown(first), sentences.join("\n")];
}

/** What a reviewer has to look at, each with what it rests on. */
function failures(result: Result): string[] {
  return troubled(result).map(({ id, level, verdict, title, reason, remedy, evidence }) =>
    [
      `## ${escapeMarkdown(`${verdictWords[verdict]}: ${id} (${level})`)}`,
      escapeMarkdown(title),
      ...(reason === null ? [] : [escapeMarkdown(`Why: ${reason}`)]),
      ...(evidence.length === 0 ? [] : [evidenceTable(evidence)]),
      escapeMarkdown(`To do: ${remedy}`),
    ].join("\n\n"),
  );
}

function evidenceTable(evidence: CheckResult["evidence"]): string {
  const rows = evidence.map(({ sent, received, expected }) => `| ${[sent, received, expected].map(escapeMarkdown).join(" | ")} |`);
  return ["| sent | received | expected |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Folded, because it is long and the failures stand above. */
function allChecks({ checks }: Result): string[] {
  if (checks.length === 0) return [];
  const why = reasons(checks).map(({ reason, ids }) => `- ${escapeMarkdown(`${reason} (${ids.join(", ")})`)}`);
  return [
    ...(why.length === 0 ? [] : [["## Not checked", "", ...why].join("\n")]),
    `<details><summary>All ${checks.length} checks</summary>\n\n${table(checkTable(checks))}\n\n</details>`,
  ];
}

function tables({ cells }: Result): string[] {
  return bySecrets(cells).flatMap(([secrets, ofSize]) => [
    `## ${secrets} secrets`,
    table(phaseTable(ofSize)),
    ofSize.map((cell) => `- ${cell.provider}: ${storedSummary(cell)}`).join("\n"),
    ...section("KMS calls at the tap", kmsTable(ofSize)),
    ...section("The API server's own counters", serverTable(ofSize)),
  ]);
}

/** Nothing where the table has no row. */
function section(title: string, content: Table): string[] {
  return content.groups.length === 0 ? [] : [`### ${title}`, table(content)];
}

function table({ first, heads, groups }: Table): string {
  const titles = [first, ...heads.map(({ title }) => title)];
  const rules = ["---", ...heads.map(({ holds }) => (holds === "figures" ? "---:" : "---"))];
  const rows = groups.flatMap(({ name, rows }) => rows.map((row) => [name, ...row.map(escapeMarkdown)]));
  return [titles, rules, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function context(result: Result): string {
  return ["## Measured on", "", ...measuredOn(result).map((sentence) => `- ${escapeMarkdown(sentence)}`)].join("\n");
}
