import type { Result } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
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
    `${[`# kmsmark ${escapeMarkdown(result.header.command)}`, ...findings(result), ...tables(result), context(result)].join("\n\n")}\n`,
} satisfies Reporter;

/** The reason not to trust the figures, if there is one, then what they show. */
function findings(result: Result): string[] {
  const [first = ""] = measuredOn(result);
  const sentences = verdicts(result).sentences.map(({ text, isFault }) => `- ${isFault ? "**Fault:** " : ""}${escapeMarkdown(text)}`);
  return [escapeMarkdown(first), sentences.join("\n")];
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

function table({ heads, groups }: Table): string {
  const titles = ["provider", ...heads.map(({ title }) => title)];
  const rules = ["---", ...heads.map(({ holds }) => (holds === "figures" ? "---:" : "---"))];
  const rows = groups.flatMap(({ provider, rows }) => rows.map((row) => [provider, ...row.map(escapeMarkdown)]));
  return [titles, rules, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function context(result: Result): string {
  return ["## Measured on", "", ...measuredOn(result).map((sentence) => `- ${escapeMarkdown(sentence)}`)].join("\n");
}
