import { expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { html } from "./html.ts";

const page = html.render(await readRun("reports/fixtures/mismatch"));

it("fetches nothing", () => {
  expect(page).not.toMatch(/\b(src|href|action|srcset|data)\s*=|url\(|@import|<(script|link|img|iframe|object|embed)\b/i);
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
});

it("closes every element in the order in which they were opened", () => {
  const open: string[] = [];
  for (const [, slash, tag = ""] of page.replace("<!doctype html>", "").matchAll(/<(\/?)(\w+)[^>]*>/g)) {
    if (tag === "meta") continue;
    if (slash === "") open.push(tag);
    else expect(open.pop()).toBe(tag);
  }
  expect(open).toEqual([]);
});

it("says first that a model's figures are a model's", async () => {
  const [, body = ""] = html.render(await readRun("reports/fixtures/embedded")).split("</h1>");
  expect(body.trimStart()).toMatch(/^<p class="model">These figures are a model&#39;s/);
});

it("marks what was wrong", () => {
  expect(page.match(/<li class="fault">/g)).toHaveLength(3);
});

it("has a table of KMS calls only where a tap stood", async () => {
  const complete = await readRun("reports/fixtures/complete");
  const untapped = {
    ...complete,
    cells: complete.cells.map((cell) => ({ ...cell, phases: cell.phases.map((phase) => ({ ...phase, kms: null })) })),
  };
  expect(html.render(complete)).toContain("KMS calls as the tap saw them");
  expect(html.render(untapped)).not.toContain("KMS calls as the tap saw them");
});
