import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { Journal } from "./journal.ts";
import { readRun } from "./read-run.ts";

const { header } = await readRun("reports/fixtures/complete");
const cellStarted = { event: "cell-started", provider: "kms-v2", secrets: 50 } as const;
const phaseStarted = { event: "phase-started", name: "write", due: 50 } as const;
const ended = { event: "end", status: "complete", fault: null } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = () => readFileSync(join(folder, "journal.jsonl"), "utf8").split("\n");

it("writes a line an entry, with the time since the run's start", async () => {
  const clock = new VirtualClock();
  await clock.advance(7000);
  using journal = new Journal(folder, header, clock);
  await clock.advance(12.5);
  journal.append(cellStarted);
  expect(lines()).toEqual([
    JSON.stringify({ atMs: 0, event: "header", version: 2, header }),
    '{"atMs":12.5,"event":"cell-started","benchmark":"lifecycle","parameters":{},"round":1,"provider":"kms-v2","secrets":50}',
    "",
  ]);
});

it("goes on where the system took only a part of a line", async () => {
  const byThrees = (file: number, bytes: Uint8Array) => writeSync(file, bytes.subarray(0, 3));
  using journal = new Journal(folder, header, new VirtualClock(), byThrees);
  journal.append(cellStarted);
  expect((await readRun(folder)).cells).toHaveLength(1);
});

it("refuses an entry that does not hold to the schema", () => {
  using journal = new Journal(folder, header, new VirtualClock());
  expect(() => journal.append({ ...phaseStarted, due: -1 })).toThrow(/due/);
});

it("refuses a folder with a journal in it", () => {
  writeFileSync(join(folder, "journal.jsonl"), "");
  expect(() => new Journal(folder, header, new VirtualClock())).toThrow(expect.objectContaining({ code: "in-the-way" }));
});

it("folds what it holds", () => {
  using journal = new Journal(folder, header, new VirtualClock());
  journal.append(ended);
  expect(journal.result()).toMatchObject({ status: "complete", cells: [] });
});

it("loses nothing but the line under way to a kill -9", async () => {
  const program = `
    import { Journal } from "${new URL("journal.ts", import.meta.url)}";
    import { VirtualClock } from "${new URL("../virtual-clock.ts", import.meta.url)}";
    const journal = new Journal(${JSON.stringify(folder)}, ${JSON.stringify(header)}, new VirtualClock());
    journal.append(${JSON.stringify(cellStarted)});
    journal.append(${JSON.stringify(phaseStarted)});
    process.kill(process.pid, "SIGKILL");`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);
  expect(signal).toBe("SIGKILL");
  expect(await readRun(folder)).toMatchObject({
    status: "cut off",
    fault: "The run was cut off in the phase write of kms-v2, 50 secrets.",
  });
});

it("says after a kill -9 which check was under way", async () => {
  const conform = await readRun("reports/fixtures/conform");
  using journal = new Journal(folder, conform.header, new VirtualClock());
  const [first] = conform.checks;
  if (first === undefined) throw new Error("The fixture has no check.");
  journal.append({ event: "check-started", id: first.id });
  journal.append({ event: "check", result: first });
  journal.append({ event: "check-started", id: "plugin/v2-uid-ignored" });
  expect(await readRun(folder)).toMatchObject({ fault: "The run was cut off in the check plugin/v2-uid-ignored.", checks: [first] });
});

it("marks how far a phase has come, once in five seconds, for what a kill leaves", async () => {
  const clock = new VirtualClock();
  using journal = new Journal(folder, header, clock);
  journal.append(cellStarted);
  await clock.advance(2000);
  journal.append({ ...phaseStarted, due: 5000 });
  for (let done = 0; done <= 1200; done += 100) {
    journal.mark({ done, kmsCalls: 1 });
    await clock.advance(1000);
  }
  expect(lines().filter((line) => line.includes("phase-progress"))).toEqual([
    '{"atMs":7000,"event":"phase-progress","done":500,"kmsCalls":1}',
    '{"atMs":12000,"event":"phase-progress","done":1000,"kmsCalls":1}',
  ]);
  const far = "in the phase write of kms-v2, 50 secrets; 10.0 s after its start it had come to 1000 of 5000 requests and 1 KMS call";
  expect((await readRun(folder)).fault).toBe(`The run was cut off ${far}.`);
  expect(journal.result().fault).toBe((await readRun(folder)).fault);
});

/** A disk that takes the first `bytes` and no more. */
function diskOf(bytes: number) {
  let left = bytes;
  return (file: number, chunk: Uint8Array) => {
    if (left === 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const written = writeSync(file, chunk.subarray(0, left));
    left -= written;
    return written;
  };
}
const headerBytes = Buffer.byteLength(`${JSON.stringify({ atMs: 0, event: "header", version: 2, header })}\n`);

it("does not end a phase because a mark finds no room, and says so afterwards", async () => {
  const clock = new VirtualClock();
  let isFull = false;
  const disk = (file: number, bytes: Uint8Array) => {
    if (isFull) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    return writeSync(file, bytes);
  };
  using journal = new Journal(folder, header, clock, disk);
  journal.append(cellStarted);
  journal.append(phaseStarted);
  isFull = true;
  await clock.advance(5000);
  journal.mark({ done: 1, kmsCalls: 1 });
  expect(() => journal.append(ended)).toThrow(expect.objectContaining({ code: "disk-full" }));
  expect(journal.result()).toMatchObject({ status: "complete" });
});

it("has no mark of a phase that is over", async () => {
  const clock = new VirtualClock();
  using journal = new Journal(folder, header, clock);
  journal.append(cellStarted);
  journal.append(phaseStarted);
  await clock.advance(5000);
  journal.append({ event: "cell-ended", fault: null });
  await clock.advance(5000);
  journal.mark({ done: 1, kmsCalls: 1 });
  expect(await readRun(folder)).toMatchObject({ cells: [{ fault: null }], fault: "The run was cut off between two phases." });
});

it("says once that the disk is full and lets the run end", () => {
  using journal = new Journal(folder, header, new VirtualClock(), diskOf(headerBytes));
  expect(() => journal.append(cellStarted)).toThrow(expect.objectContaining({ code: "disk-full" }));
  journal.append({ event: "cell-ended", fault: "The disk is full." });
  journal.append({ ...ended, status: "failed", fault: "The disk is full." });
  expect(journal.result()).toMatchObject({ status: "failed", cells: [{ fault: "The disk is full." }] });
});

it("leaves a journal that can be read when the disk filled up within a line", async () => {
  using journal = new Journal(folder, header, new VirtualClock(), diskOf(headerBytes + 10));
  expect(() => journal.append(cellStarted)).toThrow(expect.objectContaining({ code: "disk-full" }));
  expect(lines().at(-1)).toHaveLength(10);
  expect(await readRun(folder)).toMatchObject({ status: "cut off", cells: [] });
});

it("says that the disk is full when not even the header found room", () => {
  expect(() => new Journal(folder, header, new VirtualClock(), diskOf(0))).toThrow(expect.objectContaining({ code: "disk-full" }));
});
