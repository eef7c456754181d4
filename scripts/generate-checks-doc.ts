import { checkAreas } from "../harness/run/schema.ts";
import { needs } from "../suites/conformance/check.ts";
import { allChecks } from "../suites/conformance/index.ts";
import { invariants } from "../suites/conformance/invariants.ts";

/** The generated catalogue of checks, from the root. */
export const checksDocFile = "docs/checks.md";

/** The text that {@link checksDocFile} has to have. */
export function generateChecksDoc(): string {
  const areas = checkAreas.flatMap((area) => {
    const checks = allChecks.filter(({ id }) => id.startsWith(`${area}/`));
    if (checks.length === 0) return [];
    const rows = checks.map(({ id, level, invariants: of, title, source, needs: needed, remedy }) =>
      row([`\`${id}\``, level, of.join(", "), title, source, needed.map((need) => needs[need]).join("; "), remedy]),
    );
    return [
      `## ${area}: ${checks.length} checks`,
      [
        row(["id", "level", "invariants", "what is true where it passes", "source", "needs", "what to do where it fails"]),
        row(Array.from({ length: 7 }, () => "---")),
        ...rows,
      ].join("\n"),
    ];
  });
  const coverage = invariants.map((invariant) => {
    const by = allChecks.filter((check) => check.invariants.includes(invariant)).map(({ id }) => `\`${id}\``);
    return row([invariant, by.length === 0 ? "none" : by.join(", ")]);
  });
  return [
    "# The checks",
    "Made by `npm run generate` of the checks in `suites/conformance`; `kmsmark conform --list` prints the same. MUST: kube-apiserver enforces it or breaks on it. SHOULD: the KEP or good practice asks for it.",
    ...areas,
    "## The invariants, and what checks them",
    "The ids are those of the specification that the project works from: what holds of kube-apiserver's encryption at rest, one statement an id.",
    [row(["invariant", "checks"]), row(["---", "---"]), ...coverage].join("\n"),
    "",
  ].join("\n\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
