import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import yargs from "yargs";
import { readRun } from "../run/read-run.ts";
import { command } from "./report.ts";
import { writeReports } from "./write-reports.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a run of the fixtures into the folder, as a kill would have left it. */
function given(theme: string): void {
  copyFileSync(`reports/fixtures/${theme}/journal.jsonl`, join(folder, "journal.jsonl"));
}

/** Runs the command in the words of its usage; what it answered and its exit code. */
async function report(...words: readonly string[]): Promise<{ exitCode: number; answer: string }> {
  const parsed = await command.options(yargs().command(command.usage, "")).parseAsync(["report", ...words]);
  const stdout = new PassThrough({ encoding: "utf8" });
  const context = { signal: new AbortController().signal, stdout, stderr: process.stderr, columns: 100, environment: {} };
  return { exitCode: await command.run(parsed, context), answer: stdout.read() };
}

const written = (file: string) => readFileSync(join(folder, file), "utf8");
const expected = (theme: string, file: string) => readFileSync(`reports/fixtures/${theme}/expected/${file}`, "utf8");
const files = ["result.json", "summary.md", "report.html", "junit.xml", "phases.csv"];

it("makes every report of a run that was killed, from its journal", async () => {
  given("cut-off");
  expect(await report(folder)).toEqual({ exitCode: 0, answer: expected("cut-off", "terminal-100.txt") });
  expect(readdirSync(folder).toSorted()).toEqual(["journal.jsonl", ...files].toSorted());
  for (const file of files) expect(written(file)).toBe(expected("cut-off", file));
});

it("makes the same reports of its own result.json", async () => {
  given("mismatch");
  await report(folder);
  rmSync(join(folder, "journal.jsonl"));
  for (const file of files.slice(1)) rmSync(join(folder, file));
  expect(await report(folder)).toEqual({ exitCode: 0, answer: expected("mismatch", "terminal-100.txt") });
  for (const file of files) expect(written(file)).toBe(expected("mismatch", file));
});

it("leaves journal and samples as they are", async () => {
  given("complete");
  mkdirSync(join(folder, "samples"));
  writeFileSync(join(folder, "samples", "requests.csv"), "provider\n");
  await report(folder);
  expect(written("samples/requests.csv")).toBe("provider\n");
  expect(written("journal.jsonl")).toBe(readFileSync("reports/fixtures/complete/journal.jsonl", "utf8"));
});

it("prints the result alone with --json", async () => {
  given("complete");
  expect(JSON.parse((await report(folder, "--json")).answer)).toEqual(await readRun("reports/fixtures/complete"));
});

it.each(command.examples)("has an example that can be parsed: $line", async ({ line }) => {
  const [, name, ...words] = line.split(" ");
  expect(name).toBe("report");
  const parsed = await command.options(yargs().command(command.usage, "").strict()).parseAsync(["report", ...words]);
  expect(parsed).toMatchObject({ run: "runs/2026-11-23T23-55-01-bench", json: line.endsWith("--json") });
});

describe("a folder that cannot be used", () => {
  it.each([
    ["holds no run", "", "no-run"],
    ["is not there", "gone", "no-run"],
    ["is a file", "file", "not-a-folder"],
  ])("is refused where it %s", async (_, name, code) => {
    writeFileSync(join(folder, "file"), "");
    await expect(report(join(folder, name))).rejects.toMatchObject({ name: "RunFolderError", code });
  });

  it("is refused where a report cannot be written, and no draft stays", async () => {
    given("complete");
    mkdirSync(join(folder, "report.html"));
    await expect(report(folder)).rejects.toMatchObject({ name: "RunFolderError" });
    expect(readdirSync(folder).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});

it("writes no result that does not hold to the schema", async () => {
  const result = await readRun("reports/fixtures/complete");
  await expect(writeReports(folder, { ...result, durationMs: -1 })).rejects.toThrow(/durationMs/);
  expect(readdirSync(folder)).toEqual([]);
});
