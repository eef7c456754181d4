import { readdirSync, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparisonSchema } from "../harness/run/comparison.ts";
import { inColour } from "../harness/run/look.ts";
import { readRun } from "../harness/run/read-run.ts";
import type { Column } from "./column.ts";
import { renderComparison } from "./comparison.ts";
import { renderTerminal } from "./index.ts";
import { surfaceOf, table } from "./layout.ts";

const widths = [60, 80, 100, 160];
const themes = readdirSync("reports/fixtures").filter((name) => name !== "comparison");
const comparison = comparisonSchema.parse(JSON.parse(readFileSync("reports/fixtures/comparison/comparison.json", "utf8")));

const longer = (text: string, width: number) => text.split("\n").filter((line) => line.length > width);

describe("what stands on a terminal", async () => {
  const runs = await Promise.all(themes.map(async (theme) => [theme, await readRun(`reports/fixtures/${theme}`)] as const));

  it.each(widths)("is never wider than %d columns, and the same text in colour", (columns) => {
    for (const [theme, run] of runs) {
      const text = renderTerminal(run, columns);
      expect(longer(text, columns), theme).toEqual([]);
      const painted = renderTerminal(run, columns, inColour);
      expect(painted, theme).toContain("\u001B[1m");
      expect(stripVTControlCharacters(painted), theme).toBe(text);
    }
    const text = renderComparison(comparison, columns);
    expect(longer(text, columns)).toEqual([]);
    expect(stripVTControlCharacters(renderComparison(comparison, columns, inColour))).toBe(text);
  });

  it("paints what a reader has to look at", () => {
    const [, failing] = runs.find(([theme]) => theme === "conform") ?? [];
    expect(failing === undefined ? "" : renderTerminal(failing, 100, inColour)).toContain(
      "\u001B[1m\u001B[31m✗ FAIL:\u001B[39m\u001B[22m plugin/v2-status-keyid-limit (MUST)",
    );
    const [, ...reds] = renderComparison(comparison, 100, inColour).split("\u001B[31m");
    expect(reds.filter((red) => /^ *HIGHER/.test(red)).length).toBeGreaterThan(0);
  });
});

type Row = readonly string[];
const columnsOf = (titles: readonly string[]): Column<Row>[] =>
  titles.map((title, at) => ({ title, rank: at, of: (row) => row[at] ?? "" }));

describe("a table", () => {
  const rows: readonly { label: string; row: Row }[] = [
    { label: "  start", row: ["1,234", "12.0 ms"] },
    { label: "  write", row: ["56", "1.30 ms"] },
  ];

  it("has its title beside its columns where all find room", () => {
    expect(table({ title: "Calls", columns: columnsOf(["a month", "p50"]), lines: rows }, surfaceOf(60))).toEqual([
      "Calls    a month      p50",
      "  start    1,234  12.0 ms",
      "  write       56  1.30 ms",
    ]);
  });

  it("has a long title on a line of its own before it leaves a column out", () => {
    const title = "Calls on the plugins of all clusters, predicted";
    expect(table({ title, columns: columnsOf(["a month", "p50"]), lines: rows }, surfaceOf(60))).toEqual([
      title,
      "         a month      p50",
      "  start    1,234  12.0 ms",
      "  write       56  1.30 ms",
    ]);
  });

  it("leaves the least important columns out where there is no room", () => {
    const columns = columnsOf(["a month", "p50 of all requests that were sent in that month"]);
    expect(table({ title: "Calls", columns, lines: rows }, surfaceOf(60))).toEqual([
      "Calls    a month",
      "  start    1,234",
      "  write       56",
    ]);
  });

  it("gives the figures as words where not even one column finds room", () => {
    const label = "  consistency check of every Secret in the watch cache";
    const lines = [{ label, row: ["383,255,447–425,748,982"] }];
    expect(table({ title: "Calls", columns: columnsOf(["a month"]), lines }, surfaceOf(60))).toEqual([
      "Calls",
      "  consistency check of every Secret in the watch cache: a",
      "  month 383,255,447–425,748,982",
    ]);
  });

  it("is never too wide, and cuts no figure", () => {
    const figure = fc.stringMatching(/^[1-9][0-9.]{0,24}$/);
    const grid = fc
      .integer({ min: 1, max: 6 })
      .chain((count) =>
        fc.tuple(
          fc.array(figure, { minLength: count, maxLength: count }),
          fc.array(fc.array(figure, { minLength: count, maxLength: count }), { minLength: 1, maxLength: 4 }),
        ),
      );
    fc.assert(
      fc.property(grid, fc.stringMatching(/^[a-z]{1,70}$/), fc.integer({ min: 60, max: 120 }), ([titles, figures], title, columns) => {
        const lines = figures.map((row, at) => ({ label: `  row ${at}`, row }));
        const text = table({ title, columns: columnsOf(titles), lines }, surfaceOf(columns)).join("\n");
        expect(longer(text, columns)).toEqual([]);
        // The most important one is never left out.
        for (const [first = ""] of figures) expect(text.split(/\s+/)).toContain(first);
      }),
      { numRuns: 100 },
    );
  });
});
