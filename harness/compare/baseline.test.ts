import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRun } from "../run/read-run.ts";
import { readSide, writeBaseline } from "./baseline.ts";
import { compare } from "./compare.ts";
import { madeUpSide } from "./made-up-side.ts";
import { sideOf } from "./side.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
  file = join(folder, "baseline.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("is read as the run that it was made of", async () => {
  const side = madeUpSide({ rounds: 3, seconds: 5, encrypts: () => 2 });
  await writeBaseline(file, side);
  expect(await readSide(file)).toEqual(side);
  expect(readdirSync(folder)).toEqual(["baseline.json"]);
});

it("gives the same comparison as its run folder, at half the size and with a line a cell", async () => {
  const run = sideOf(await readRun("reports/fixtures/complete"));
  await writeBaseline(file, run);
  const other = { ...run, cells: run.cells.filter(({ provider, secrets }) => provider === "kms-v2" && secrets === 50) };
  expect(compare(await readSide(file), other, [])).toEqual(compare(await readSide("reports/fixtures/complete"), other, []));
  const text = readFileSync(file, "utf8");
  expect(text.split("\n")).toHaveLength(run.cells.length + 3);
  expect(text.length).toBeLessThan(readFileSync("reports/fixtures/complete/journal.jsonl", "utf8").length * 0.7);
});

it("holds nothing of the command's words and the run's notes, which name files of the machine", async () => {
  const result = await readRun("reports/fixtures/complete");
  const header = { ...result.header, arguments: ["--kubeconfig", "/home/someone/config"], notes: ["/home/someone/notes"] };
  await writeBaseline(file, sideOf({ ...result, header }));
  expect(readFileSync(file, "utf8")).not.toContain("someone");
});

describe("what is no baseline is refused", () => {
  it.each([
    ["no JSON", "{", "not-a-baseline"],
    ["another JSON", '{"kind":"x"}', "not-a-baseline"],
    ["of another version", '{"kind":"kmsmark-baseline","version":9}', "unknown-version"],
    ["not whole", '{"kind":"kmsmark-baseline","version":2,"facts":{}}', "baseline-invalid"],
  ])("%s", async (_, text, code) => {
    writeFileSync(file, text);
    await expect(readSide(file)).rejects.toMatchObject({ name: "RunFolderError", code });
  });

  it("not there", async () => {
    await expect(readSide(file)).rejects.toMatchObject({ code: "no-run" });
    await expect(writeBaseline(join(folder, "gone", "b.json"), madeUpSide())).rejects.toMatchObject({ code: "run-not-found" });
  });

  it("of a run without figures", async () => {
    await expect(writeBaseline(file, { ...madeUpSide(), cells: [] })).rejects.toMatchObject({ code: "nothing-to-keep" });
  });
});
