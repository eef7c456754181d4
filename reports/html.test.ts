import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import type { Phase } from "../harness/run/schema.ts";
import { html } from "./html.ts";

const page = await html.render(await readRun("reports/fixtures/mismatch"));
const conform = await readRun("reports/fixtures/conform");
const checksPage = await html.render(conform);

it.each([
  ["a benchmark", page],
  ["checks", checksPage],
])("fetches nothing for %s", (_, page) => {
  expect(page).not.toMatch(/<[^>]*\b(src|action|srcset|data)\s*=|url\(|@import|<(link|img|iframe|object|embed|base|form)\b/i);
  for (const [, to = ""] of page.matchAll(/href="([^"]*)"/g)) expect(to).toMatch(/^#|^data:text\/csv;charset=utf-8,/);
});

it.each([
  ["a benchmark", page],
  ["checks", checksPage],
])("lets a browser run and style nothing but what the policy of %s has the hash of", (_, page) => {
  const [, policy = ""] = page.match(/Content-Security-Policy" content="([^"]*)"/) ?? [];
  const inline = [...page.matchAll(/<(style|script)>([\s\S]*?)<\/\1>/g)];
  expect(inline.map(([, element]) => element)).toEqual(["style", "script"]);
  for (const [, element = "", text = ""] of inline) {
    expect(policy).toContain(`; ${element}-src 'sha256-${createHash("sha256").update(text).digest("base64")}';`);
  }
  expect(policy).toMatch(/^default-src 'none';/);
  expect(page).not.toMatch(/<[^>]*\s(style|on\w+)\s*=/i);
});

it.each([
  ["a benchmark", page],
  ["checks", checksPage],
])("closes every element of %s in the order in which they were opened", (_, page) => {
  const open: string[] = [];
  const markup = page.replace("<!doctype html>", "").replace(/<script>[\s\S]*<\/script>/, "");
  for (const [, slash, tag = "", alone] of markup.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (tag === "meta" || tag === "input" || alone === "/") continue;
    if (slash === "") open.push(tag);
    else expect(open.pop()).toBe(tag);
  }
  expect(open).toEqual([]);
});

it("says first that a model's figures are a model's", async () => {
  const [, body = ""] = (await html.render(await readRun("reports/fixtures/embedded"))).split("</h1>");
  expect(body.trimStart()).toMatch(/^<p class="subject model">These figures are a model&#39;s/);
});

it("marks what was wrong", () => {
  expect(page.match(/<li class="fault">/g)).toHaveLength(3);
});

const complete = await readRun("reports/fixtures/complete");
const completePage = await html.render(complete);

/** A cell of the complete run with every phase changed. */
function withPhases(change: (phase: Phase) => Partial<Phase>): Promise<string> {
  const cells = complete.cells
    .filter(({ provider, secrets }) => provider === "kms-v1" && secrets === 50)
    .map((cell) => ({ ...cell, phases: cell.phases.map((phase) => ({ ...phase, ...change(phase) })) }));
  return html.render({ ...complete, cells });
}

it("has tables of KMS calls only where a tap stood", async () => {
  expect(completePage.match(/<h3>KMS calls at the tap<\/h3>/g)).toHaveLength(2);
  expect(await withPhases(() => ({ kms: null }))).not.toContain("KMS calls at the tap");
});

it("folds the API server's own counters away, and has none where there are none", async () => {
  const summary = "<details><summary>The API server&#39;s own counters</summary>";
  expect(completePage).toContain(summary);
  expect(await withPhases(() => ({ server: {} }))).not.toContain("own counters");
});

it("names a provider once a table, over all of its rows", () => {
  const [, phases = ""] = completePage.split(">50 secrets</h2>");
  const [table = ""] = phases.split("</table>");
  expect(table.match(/<th scope="rowgroup" rowspan="9">[^<]+/g)).toEqual(
    ["identity", "kms-v2", "kms-v1"].map((provider) => `<th scope="rowgroup" rowspan="9">${provider}`),
  );
  expect(table.match(/<tbody>/g)).toHaveLength(3);
});

it("has a column of troubles only where there are any", () => {
  expect(completePage).not.toContain(">trouble<");
  expect(page).toContain('<th scope="col" class="trouble">trouble</th>');
});

describe("the checks", () => {
  /** Of the rows of the table of an area: tone and verdict, and whether it lies open. */
  const rows = (area: string) => {
    const [, section = ""] = checksPage.split(`-title">${area}</h2>`);
    const [table = ""] = section.split("</table>");
    return [...table.matchAll(/<tr.*?><td class="verdict (\w+)">([^<]+)<\/td>.*<details( open)?><summary>/g)].map(
      ([, tone, verdict, open]) => [tone, verdict, open !== undefined],
    );
  };

  it("lie open where they did not pass, and those first", () => {
    expect(rows("apiserver")).toEqual([
      ["fault", "FAIL", true],
      ["pass", "pass", false],
      ["pass", "pass", false],
      ["quiet", "n/a", false],
      ["quiet", "skipped", false],
      ["quiet", "skipped", false],
    ]);
    expect(rows("plugin").map(([tone, verdict]) => `${verdict} ${tone}`)).toEqual([
      ...["FAIL fault", "FAIL advice", "FAIL advice", "not judged fault", "not judged fault", "not judged fault", "not judged advice"],
      ...[
        "n/a quiet",
        "n/a quiet",
        "n/a quiet",
        "n/a quiet",
        "n/a quiet",
        "n/a quiet",
        "pass pass",
        "pass pass",
        "pass pass",
        "skipped quiet",
      ],
    ]);
  });

  it("have all their evidence, whatever their verdict", () => {
    const pieces = conform.checks.flatMap(({ evidence }) => evidence);
    expect(checksPage.match(/<dt class="next">sent<\/dt>/g)).toHaveLength(pieces.length);
    expect(pieces.length).toBeGreaterThan(10);
  });

  it("say what to do where they failed, and only there", () => {
    expect(checksPage.match(/<dt class="next">to do<\/dt>/g)).toHaveLength(4);
  });

  it("stand in no table where there are none, and the phases neither", () => {
    expect(page).not.toContain('<table class="checks">');
    expect(checksPage).not.toMatch(/secrets<\/h2>|KMS calls at the tap/);
  });
});
