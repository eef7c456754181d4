import type { Cell, Result } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
import { escapeMarkdown } from "./escape.ts";
import { measuredOn } from "./measured-on.ts";
import { phaseColumns, storedSummary, troubles } from "./phase-columns.ts";
import type { Reporter } from "./reporter.ts";

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
  return [...new Set(cells.map(({ secrets }) => secrets))].flatMap((secrets) => [
    `## ${secrets} secrets`,
    phaseTable(cells.filter((cell) => cell.secrets === secrets)),
    cells
      .filter((cell) => cell.secrets === secrets)
      .map((cell) => `- ${cell.provider}: ${storedSummary(cell)}`)
      .join("\n"),
  ]);
}

function phaseTable(cells: readonly Cell[]): string {
  const titles = ["provider", "phase", ...phaseColumns.map(({ title }) => title), "trouble"];
  const rules = ["---", "---", ...phaseColumns.map(() => "---:"), "---"];
  const rows = cells.flatMap(({ provider, phases }) =>
    phases.map((phase) => [provider, phase.name, ...phaseColumns.map(({ of }) => of(phase)), escapeMarkdown(troubles(phase))]),
  );
  return [titles, rules, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function context(result: Result): string {
  return ["## Measured on", "", ...measuredOn(result).map((sentence) => `- ${escapeMarkdown(sentence)}`)].join("\n");
}
