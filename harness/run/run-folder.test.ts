import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { readRun } from "./read-run.ts";
import { createRunFolder } from "./run-folder.ts";

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 23, 55, 1, 400));
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const inScratch = () => createRunFolder({ command: "bench", parent: join(scratch, "runs"), clock });

it("names the folder after the time and the command", async () => {
  await using folder = await inScratch();
  expect(folder.path).toBe(join(scratch, "runs", "2026-11-23T23-55-01-bench"));
});

it("gives two runs of one second two folders", async () => {
  await using first = await inScratch();
  await using second = await inScratch();
  expect(second.path).toBe(`${first.path}-2`);
});

it("keeps what was written, and the journal's file is closed", async () => {
  {
    await using folder = await inScratch();
    folder.startJournal((await readRun("reports/fixtures/complete")).header);
  }
  expect(readdirSync(join(scratch, "runs", "2026-11-23T23-55-01-bench"))).toEqual(["journal.jsonl"]);
});

it("leaves no empty folder of a run that wrote nothing", async () => {
  {
    await using _ = await inScratch();
  }
  expect(readdirSync(join(scratch, "runs"))).toEqual([]);
});

it("makes the folder of --out, with those above it", async () => {
  await using folder = await createRunFolder({ command: "bench", out: join(scratch, "a/b"), clock });
  expect(existsSync(folder.path)).toBe(true);
});

it("takes an empty folder and leaves it where it was", async () => {
  const out = join(scratch, "empty");
  mkdirSync(out);
  {
    await using folder = await createRunFolder({ command: "bench", out, clock });
    expect(folder.path).toBe(out);
  }
  expect(existsSync(out)).toBe(true);
});

it("refuses a folder that holds something", async () => {
  writeFileSync(join(scratch, "thesis.txt"), "");
  await expect(createRunFolder({ command: "bench", out: scratch, clock })).rejects.toMatchObject({
    code: "out-not-empty",
    message: `The folder ${scratch} of --out is not empty.`,
  });
});

it("refuses a file as --out", async () => {
  const file = join(scratch, "file");
  writeFileSync(file, "");
  await expect(createRunFolder({ command: "bench", out: file, clock })).rejects.toMatchObject({ code: "in-the-way" });
});

it("refuses a parent that is a file", async () => {
  const file = join(scratch, "file");
  writeFileSync(file, "");
  await expect(createRunFolder({ command: "bench", parent: file, clock })).rejects.toMatchObject({ code: "in-the-way" });
});
