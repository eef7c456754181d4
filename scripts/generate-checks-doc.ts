import { type CheckArea, checkAreas } from "../harness/run/schema.ts";
import { escapeMarkdown } from "../reports/escape.ts";
import { needs } from "../suites/conformance/check.ts";
import { allChecks } from "../suites/conformance/index.ts";
import { invariants } from "../suites/conformance/invariants.ts";

/** The generated catalogue of checks, from the root. */
export const checksDocFile = "docs/checks.md";

/** The text that {@link checksDocFile} has to have. */
export function generateChecksDoc(): string {
  const parts = [
    "# The checks",
    [
      "Made by `npm run generate` of the checks in `suites/conformance`; `kmsmark conform --list` prints the same.",
      "MUST: kube-apiserver enforces it or breaks on it. SHOULD: the KEP or good practice asks for it.",
    ].join("\n"),
    ...checkAreas.flatMap(areaSection),
    ...coverageSection(),
  ];
  return `${parts.join("\n\n")}\n`;
}

function areaSection(area: CheckArea): string[] {
  const checks = allChecks.filter(({ id }) => id.startsWith(`${area}/`));
  const rows = checks.map(({ id, level, invariants: of, title, source, needs: needed, remedy }) => [
    code(id),
    level,
    of.join(", "),
    ...[title, source, needed.map((need) => needs[need]).join("; "), remedy].map(escapeMarkdown),
  ]);
  const heads = ["id", "level", "invariants", "what is true where it passes", "source", "needs", "what to do where it fails"];
  return checks.length === 0 ? [] : [`## ${area}: ${checks.length} checks`, table(heads, rows)];
}

function coverageSection(): string[] {
  const coverage = Object.entries(invariants).map(([invariant, statement]) => {
    const by = allChecks.filter((check) => check.invariants.includes(invariant)).map(({ id }) => id);
    return { invariant, statement, by };
  });
  const open = coverage.filter(({ by }) => by.length === 0).map(({ invariant }) => invariant);
  const rows = coverage.map(({ invariant, statement, by }) => [invariant, escapeMarkdown(statement), by.map(code).join(", ") || "none"]);
  return [
    "## The invariants, and what checks them",
    [
      "What holds of kube-apiserver's encryption at rest, in a few words and under the ids of the specification that the project works from.",
      `${coverage.length - open.length} of ${coverage.length} have a check${open.length === 0 ? "." : `; those without: ${open.join(", ")}.`}`,
    ].join("\n"),
    table(["invariant", "what holds", "checks"], rows),
  ];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function code(id: string): string {
  return `\`${id}\``;
}
