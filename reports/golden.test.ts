import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { withoutLooks } from "./html/without-looks.ts";
import { renderTerminal, reporters } from "./index.ts";
import type { Reporter } from "./reporter.ts";

// Every folder below fixtures/ is a run folder; what its reports must be lies in its expected/. `vitest run reports --update` writes them anew.
const themes = readdirSync("reports/fixtures").filter((name) => name !== "comparison");

it("has the fixtures", () => {
  expect(themes).toEqual(["ack", "complete", "conform", "conform-cut-off", "cut-off", "embedded", "mismatch", "plan", "rounds"]);
});

describe.each(themes)("the run %s", async (theme) => {
  const folder = resolve("reports/fixtures", theme);
  const result = await readRun(folder);

  it.each(reporters.filter(({ isFor }: Reporter) => isFor?.(result) ?? true))("gives the expected $file", async ({ id, file, render }) => {
    const text = await render(result);
    await expect(id === "html" ? withoutLooks(text) : text).toMatchFileSnapshot(`${folder}/expected/${file}`);
  });

  it.each([60, 100])("gives the expected text on a terminal of %d columns", async (columns) => {
    await expect(renderTerminal(result, columns)).toMatchFileSnapshot(`${folder}/expected/terminal-${columns}.txt`);
  });
});
