import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Comparison, comparisonSchema } from "../harness/run/comparison.ts";
import { comparisonReporters, renderComparison } from "./comparison.ts";
import { comparisonCsv } from "./comparison-csv.ts";
import { comparisonHtml } from "./comparison-html.ts";
import { comparisonMarkdown } from "./comparison-markdown.ts";
import type { ComparisonReporter } from "./comparison-reporter.ts";
import { withoutLooks } from "./html/without-looks.ts";

// A comparison of two unlike runs, with one of everything; `vitest run reports --update` writes the others of its reports anew.
const folder = resolve("reports/fixtures/comparison");
const stored = comparisonSchema.parse(JSON.parse(readFileSync(`${folder}/comparison.json`, "utf8")));

describe("the comparison", () => {
  it.each(comparisonReporters.filter(({ isFor }: ComparisonReporter) => isFor?.(stored) ?? true))(
    "gives the expected $file",
    async ({ id, file, render }) => {
      const text = await render(stored);
      await expect(id === "comparison-html" ? withoutLooks(text) : text).toMatchFileSnapshot(`${folder}/expected/${file}`);
    },
  );

  it.each([60, 100, 120])("gives the expected text on a terminal of %d columns, and keeps to them", async (columns) => {
    const text = renderComparison(stored, columns);
    await expect(text).toMatchFileSnapshot(`${folder}/expected/terminal-${columns}.txt`);
    expect(text.split("\n").filter((line) => line.length > columns)).toEqual([]);
  });

  it("says in its first line that the runs are unlike, or that they are not", () => {
    expect(renderComparison(stored, 400)).toMatch(/^Unlike runs: .*seed \(vega-1187 against vega-1188\)\.\n/);
    expect(renderComparison({ ...stored, unlike: [] }, 400)).toMatch(/^The runs are alike in machine, /);
  });
});

describe("a comparison full of hostile names", () => {
  const evil = `=cmd|'/c calc'!A1 </td>]]><script src="https://evil.test/x.js">&amp;\u001B[2J\u202E\n# |x|`;
  const facts = { ...stored.base, runId: evil, seed: evil, kmsmark: evil, plugin: evil };
  const hostile: Comparison = {
    ...stored,
    base: facts,
    other: facts,
    unlike: [{ what: evil, base: evil, other: evil }],
    compared: stored.compared.map((each) => ({
      ...each,
      metric: evil,
      cell: evil,
      phase: evil,
      figure: evil,
      reason: each.reason && evil,
    })),
    limits: stored.limits.map((limit) => ({ ...limit, expression: evil, measured: evil })),
    checks: stored.checks.map(({ other, ...check }) => ({ ...check, id: evil, title: evil, other: other && { ...other, told: evil } })),
    notes: [evil],
  };

  it("steers no terminal", async () => {
    for (const { render, id } of comparisonReporters)
      if (id !== "comparison-json") expect(await render(hostile)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(renderComparison(hostile, 100)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it("adds no element, row, column or formula", async () => {
    const tagsOf = (text: string) => new Set([...text.matchAll(/<(\/?\w+)/g)].map(([, tag]) => tag));
    expect(tagsOf(await comparisonHtml.render(hostile))).toEqual(tagsOf(await comparisonHtml.render(stored)));
    const pipes = (text: string) => text.split("\n").flatMap((line) => (line.startsWith("|") ? [line.match(/(?<!\\)\|/g)?.length] : []));
    expect(pipes(comparisonMarkdown.render(hostile))).toEqual(pipes(comparisonMarkdown.render(stored)));
    expect(comparisonCsv.render(hostile)).not.toMatch(/(^|,)"?[=+@]/m);
    expect(comparisonCsv.render(hostile).trimEnd().split("\n")).toHaveLength(1 + stored.compared.length);
  });
});
