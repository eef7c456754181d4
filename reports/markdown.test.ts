import { readFileSync } from "node:fs";
import fc from "fast-check";
import { parseHTML } from "linkedom";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { describe, expect, it } from "vitest";
import { comparisonSchema } from "../harness/run/comparison.ts";
import { readRun } from "../harness/run/read-run.ts";
import type { CheckResult, Result } from "../harness/run/schema.ts";
import { comparisonMarkdown } from "./comparison-markdown.ts";
import { escapeMarkdown, oneLine } from "./escape.ts";
import { madeHostile, madeHostileBy } from "./made-hostile.ts";
import { markdown } from "./markdown.ts";

const themes = ["ack", "conform", "cut-off", "mismatch", "plan"];
const results = await Promise.all(themes.map((theme) => readRun(`reports/fixtures/${theme}`)));
const comparison = comparisonSchema.parse(JSON.parse(readFileSync("reports/fixtures/comparison/comparison.json", "utf8")));
const conform = await readRun("reports/fixtures/conform");

/** Every report in Markdown; with all that others wrote replaced by a text if there is one. */
function texts(text?: string): string[] {
  const of = (result: Result) => (text === undefined ? result : madeHostile(result, text));
  const compared = text === undefined ? comparison : comparisonSchema.parse(madeHostileBy(comparisonSchema, comparison, text));
  return [...results.map((result) => markdown.render(of(result))), comparisonMarkdown.render(compared)];
}

/** What GitHub makes of it: GFM with its raw HTML. */
function rendered(text: string) {
  const html = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
  return parseHTML(`<!doctype html><html><body>${html}</body></html>`).document;
}

/** Names of elements, each once. */
function elements(document: ReturnType<typeof rendered>): string[] {
  return [...new Set([...document.body.querySelectorAll("*")].map(({ localName }) => localName))].toSorted();
}

const allowed = ["h1", "h2", "h3", "p", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"];

/** How many cells the rows of each table have, its head first. */
function widths(document: ReturnType<typeof rendered>): number[][] {
  return [...document.querySelectorAll("table")].map((table) =>
    [...table.querySelectorAll("tr")].map((row) => row.querySelectorAll("th, td").length),
  );
}

describe("what GitHub makes of the Markdown", () => {
  it("has the tables that were meant, each row as wide as its head, and folds close", () => {
    for (const text of texts()) {
      const document = rendered(text);
      const found = widths(document);
      expect(found).toHaveLength(text.match(/^\| ---/gm)?.length ?? 0);
      for (const rows of found) expect(new Set(rows).size).toBe(1);
      expect(elements(document).filter((name) => !allowed.includes(name))).toEqual([]);
      expect(document.querySelectorAll("details table")).toHaveLength(document.querySelectorAll("details").length);
      expect(document.querySelectorAll("details > *:not(summary, table, p)")).toHaveLength(0);
      expect(document.body.textContent).not.toMatch(/<\/?(details|summary)|\| ---/);
    }
  });

  it.each([
    [
      "markup",
      `</td></details><script src="https://evil.test/x.js"></script> &lt;b> &#60;b> [^1] [e](http://f) ![g](h) **j** | c |\n|---|\n`,
    ],
    ["lists and addresses", "- 1. + 2) ``` www.evil.test mailto:a@evil.test ftp://evil.test xmpp:a@evil.test \n\n# a\n\n***\n"],
  ])("shows %s of others as text", (_, evil) => {
    for (const text of texts(evil)) {
      const document = rendered(text);
      expect(elements(document).filter((name) => !allowed.includes(name))).toEqual([]);
      expect(document.querySelectorAll("li li")).toHaveLength(0);
      expect(widths(document)).toHaveLength(text.match(/^\| ---/gm)?.length ?? 0);
      for (const rows of widths(document)) expect(new Set(rows).size).toBe(1);
      expect(document.body.textContent.replaceAll("\u200B", "")).toContain(oneLine(evil).trim());
    }
  });

  it("calls nobody, and enters no reference", () => {
    for (const text of texts("@octocat #12 org/repo#12")) {
      expect(text).not.toMatch(/@\w|(?<!&)#\d/);
      expect(rendered(text).body.textContent).not.toMatch(/@\w|#\d/);
    }
  });
});

it("shows any text as itself, at a block's beginning and in a cell", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."ab1 \t\n-+=*_`~#|<>&$[]()!\\.:/@\u0000😀") }), (text) => {
      const wanted = oneLine(text).trim();
      const document = rendered(`- ${escapeMarkdown(text)}x\n\n| a |\n| --- |\n| ${escapeMarkdown(text)} |\n`);
      expect(document.querySelector("li")?.textContent.replaceAll("\u200B", "").trim()).toBe(`${oneLine(text)}x`.trim());
      expect(document.querySelector("td")?.textContent.replaceAll("\u200B", "").trim()).toBe(wanted);
    }),
    { numRuns: 100 },
  );
});

describe("the length", () => {
  const check = (at: number, text: string): CheckResult => ({
    ...{ id: `plugin/${at}`, area: "plugin", title: text, level: "MUST", invariants: [], source: "spec", verdict: "fail", reason: null },
    ...{ remedy: text, durationMs: 1, evidence: Array.from({ length: 20 }, () => ({ sent: text, received: text, expected: text })) },
  });
  const long = (text: string): Result => ({
    ...madeHostile(conform, text),
    checks: Array.from({ length: 200 }, (_, at) => check(at, text)),
  });

  it.each(["<b>@x|", "@a", "x"])("stays below what a comment may have, with %s thousands of times", (text) => {
    const summary = markdown.render(long(text.repeat(1500)));
    expect(summary.length).toBeLessThan(65_536);
    expect(Buffer.byteLength(summary)).toBeLessThan(1024 * 1024);
    expect(summary.length).toBeGreaterThan(32_768);
    expect(summary).toMatch(/\*\*Left out here\*\*, because a comment on GitHub has at most 65,536 characters: .* and \d+ more\./);
    expect(summary).toContain("## Checked on");
    expect(summary.match(/<details>/g)?.length ?? 0).toBe(summary.match(/<\/details>/g)?.length ?? 0);
  });

  it("is used for the first rows of a table that has too many", () => {
    const checks = Array.from({ length: 3000 }, (_, at) => ({ ...check(at, "It holds."), verdict: "pass" as const }));
    const summary = markdown.render({ ...conform, checks });
    const [, shown] = /The first (\d+) of 3000 rows; report\.html has all\./.exec(summary) ?? [];
    expect(rendered(summary).querySelectorAll("details tbody tr")).toHaveLength(Number(shown));
    expect(summary.length).toBeLessThan(64_001);
    expect(summary.length).toBeGreaterThan(60_000);
    expect(summary).not.toContain("Left out here");
  });

  it("leaves nothing out where there is room", () => {
    for (const text of texts()) expect(text).not.toMatch(/Left out here|The first \d+ of/);
  });
});

it("has the verdict in its first line", () => {
  const first = (theme: string) => texts()[themes.indexOf(theme)]?.split("\n")[0];
  expect(first("conform")).toBe("# kmsmark conform: FAILED");
  expect(first("ack")).toBe("# kmsmark ack: FAILED");
  expect(first("plan")).toBe("# kmsmark plan: FAILED");
  expect(first("cut-off")).toBe("# kmsmark bench: FAILED");
});
