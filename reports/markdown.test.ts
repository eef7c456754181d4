import { readFileSync } from "node:fs";
import fc from "fast-check";
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

const tame = texts();

/** What GitHub makes of it: GFM with its raw HTML. */
function rendered(text: string): string {
  return micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
}

/** Names of elements, each once: text is escaped by then, so whatever opens a tag is one. */
function elements(html: string): string[] {
  return [...new Set([...html.matchAll(/<\/?([^\s>/]*)/g)].map(([, name = ""]) => name))].toSorted();
}

const allowed = ["h1", "h2", "h3", "p", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"];

/** What a reader sees, without the blanks that have no width. */
function shown(html: string): string {
  const characters: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };
  const text = html.replaceAll(/<[^>]*>/g, "").replaceAll(/&(lt|gt|amp|quot);/g, (entity, name: string) => characters[name] ?? entity);
  return text.replaceAll("\u200B", "");
}

/** How many cells the rows of each table have, its head first. */
function widths(html: string): number[][] {
  return html
    .split("<table>")
    .slice(1)
    .map((table) =>
      (table.split("</table>")[0] ?? "")
        .split("<tr>")
        .slice(1)
        .map((row) => row.match(/<t[hd][ >]/g)?.length ?? 0),
    );
}

describe("what GitHub makes of the Markdown", () => {
  it("has the tables that were meant, each row as wide as its head, and folds close around one table each", () => {
    for (const text of tame) {
      const html = rendered(text);
      expect(widths(html)).toHaveLength(text.match(/^\| ---/gm)?.length ?? 0);
      for (const rows of widths(html)) expect(new Set(rows).size).toBe(1);
      expect(elements(html).filter((name) => !allowed.includes(name))).toEqual([]);
      const folds = html.split("<details>").slice(1);
      expect(folds.filter((fold) => !/^<summary>[^<]+<\/summary>\n<table>\n[\s\S]*?<\/table>\n<\/details>/.test(fold))).toEqual([]);
      expect(shown(html)).not.toMatch(/<\/?(details|summary)|\| ---/);
    }
  });

  it("shows markup, lists and addresses of others as text", () => {
    const evil =
      `- 1. </td></details><script src="https://evil.test/x.js"></script> &lt;b> &#60;b> [^1] [e](http://f) ![g](h) **j** | c |\n|---|\n` +
      "``` www.evil.test mailto:a@evil.test ftp://evil.test xmpp:a@evil.test \n\n# a\n\n***\n";
    for (const text of texts(evil)) {
      const html = rendered(text);
      expect(elements(html).filter((name) => !allowed.includes(name))).toEqual([]);
      expect(html).not.toMatch(/<li>\s*<[uo]l/);
      expect(widths(html)).toHaveLength(text.match(/^\| ---/gm)?.length ?? 0);
      for (const rows of widths(html)) expect(new Set(rows).size).toBe(1);
      expect(shown(html)).toContain(oneLine(evil).trim());
    }
  });

  it("calls nobody, and enters no reference", () => {
    for (const text of texts("@octocat #12 org/repo#12")) {
      expect(text).not.toMatch(/@\w|(?<!&)#\d/);
      expect(rendered(text).replaceAll(/&#\d+;/g, " ")).not.toMatch(/@\w|#\d/);
    }
  });
});

it("makes no link of an address that begins with a dot", () => {
  expect(elements(rendered(`- ${escapeMarkdown("a@.b")}\n`))).toEqual(["li", "ul"]);
});

it("shows any text as itself, at a block's beginning and in a cell", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."ab1 \t\n-+=*_`~#|<>&$[]()!\\.:/@\u0000😀") }), (text) => {
      const item = rendered(`- ${escapeMarkdown(text)}x\n`);
      const cell = rendered(`| a |\n| --- |\n| ${escapeMarkdown(text)} |\n`);
      expect(elements(item)).toEqual(["li", "ul"]);
      expect(shown(item).trim()).toBe(`${oneLine(text)}x`.trim());
      expect(shown(/<tbody>([\s\S]*)<\/tbody>/.exec(cell)?.[1] ?? "").trim()).toBe(oneLine(text).trim());
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
    checks: Array.from({ length: 60 }, (_, at) => check(at, text)),
  });

  it.each(["<b>@x|", "x"])("stays below what a comment may have, with %s thousands of times", (text) => {
    const summary = markdown.render(long(text.repeat(1500)));
    expect(summary.length).toBeLessThan(65_536);
    expect(Buffer.byteLength(summary)).toBeLessThan(1024 * 1024);
    expect(summary.length).toBeGreaterThan(32_768);
    expect(summary).toMatch(/\*\*Left out here\*\*, because a comment on GitHub has at most 65,536 characters: .* and \d+ more\./);
    expect(summary).toContain("## Checked on");
    expect(summary.match(/<details>/g)?.length ?? 0).toBe(summary.match(/<\/details>/g)?.length ?? 0);
  });

  it("is used for the first rows of a table that has too many", () => {
    const checks = Array.from({ length: 1500 }, (_, at) => ({ ...check(at, "It holds."), verdict: "pass" as const }));
    const summary = markdown.render({ ...conform, checks });
    const [, rows] = /The first (\d+) of 1500 rows; report\.html has all\./.exec(summary) ?? [];
    expect(widths(rendered(summary)).at(-1)).toHaveLength(1 + Number(rows));
    expect(summary.length).toBeLessThan(64_001);
    expect(summary.length).toBeGreaterThan(60_000);
    expect(summary).not.toContain("Left out here");
  });

  it("holds for a comparison of many cells too", () => {
    const compared = Array.from({ length: 100 }, (_, at) => comparison.compared.map((each) => ({ ...each, cell: `${each.cell} ${at}` })));
    const text = comparisonMarkdown.render({ ...comparison, compared: compared.flat() });
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/The first \d+ of \d+ rows; report\.html has all\./);
  });

  it("leaves nothing out where there is room", () => {
    for (const text of tame) expect(text).not.toMatch(/Left out here|The first \d+ of/);
  });
});

it("has the verdict in its first line", () => {
  const first = (theme: string) => tame[themes.indexOf(theme)]?.split("\n")[0];
  expect(first("conform")).toBe("# kmsmark conform: FAILED");
  expect(first("ack")).toBe("# kmsmark ack: FAILED");
  expect(first("plan")).toBe("# kmsmark plan: FAILED");
  expect(first("cut-off")).toBe("# kmsmark bench: FAILED");
});
