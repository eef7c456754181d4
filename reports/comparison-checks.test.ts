import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { compare } from "../harness/compare/compare.ts";
import { sideOf } from "../harness/compare/side.ts";
import { readRun } from "../harness/run/read-run.ts";
import type { CheckResult } from "../harness/run/schema.ts";
import { comparisonReporters, renderComparison } from "./comparison.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { changedChecks, checkSentences } from "./comparison-words.ts";
import { withoutLooks } from "./html/without-looks.ts";

const run = await readRun("reports/fixtures/conform");

/** What became of some checks in a second run; it lacks the last one. */
const changes: Readonly<Record<string, Partial<CheckResult>>> = {
  "plugin/v2-status-keyid-limit": { verdict: "pass", evidence: [] },
  "plugin/v2-status-version": {
    verdict: "fail",
    evidence: [{ sent: "Status", received: 'the version "v1beta1"', expected: 'the version "v2"' }],
  },
  "plugin/v2-latency-margin": { verdict: "fail", reason: null },
  "plugin/v2-uid-ignored": { verdict: "pass", reason: null },
};
const other = {
  ...run,
  header: { ...run.header, runId: "7b21f0c4", plugin: "/run/kms/second.sock" },
  checks: run.checks.slice(0, -1).map((check) => ({ ...check, ...changes[check.id] })),
};
const comparison = compare(sideOf(run), sideOf(other), []);
const folder = resolve("reports/fixtures/comparison/expected-checks");

describe("a comparison of checks", () => {
  it("tells what is worse, what changed otherwise, and what passes now, in this order", () => {
    expect(changedChecks(comparison.checks).map(({ id, base, other: end }) => [id, base?.verdict, end?.verdict])).toEqual([
      ["plugin/v2-status-version", "pass", "fail"],
      ["plugin/v2-latency-margin", "inconclusive", "fail"],
      ["plugin/v2-uid-ignored", "skipped", "pass"],
      ["plugin/v2-status-keyid-limit", "fail", "pass"],
    ]);
    expect(checkSentences(comparison.checks)).toEqual([
      { text: "Of 22 checks that both runs made 4 ended otherwise: 1 worse, 2 in another way, 1 better.", isWorse: true },
      { text: "Only A made 1 more.", isWorse: false },
    ]);
  });

  it("says that all ended alike where they did", () => {
    const { checks } = compare(sideOf(run), sideOf(run), []);
    expect(checkSentences(checks)).toEqual([{ text: "All 23 checks that both runs made ended alike.", isWorse: false }]);
    expect(renderComparison(compare(sideOf(run), sideOf(run), []), 100)).not.toContain("→");
  });

  it("speaks of no intervals, and makes no file of figures", () => {
    expect(renderComparison(comparison, 100)).not.toMatch(/interval|bootstrap|did not run in turn/);
    const files = comparisonReporters.filter(({ isFor }: ComparisonReporter) => isFor?.(comparison) ?? true).map(({ file }) => file);
    expect(files).toEqual(["comparison.json", "comparison.md", "comparison.html", "comparison-checks.csv"]);
  });

  it.each(comparisonReporters.filter(({ id }) => id !== "comparison-csv" && id !== "comparison-json"))(
    "gives the expected $file",
    async ({ id, file, render }) => {
      const text = await render(comparison);
      await expect(id === "comparison-html" ? withoutLooks(text) : text).toMatchFileSnapshot(`${folder}/${file}`);
    },
  );

  it.each([60, 100])("gives the expected text on a terminal of %d columns, and keeps to them", async (columns) => {
    const text = renderComparison(comparison, columns);
    await expect(text).toMatchFileSnapshot(`${folder}/terminal-${columns}.txt`);
    expect(text.split("\n").filter((line) => line.length > columns)).toEqual([]);
  });
});
