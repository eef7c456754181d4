import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RunFolderError } from "../errors.ts";
import { parseJournal, parseResult, readRun } from "./read-run.ts";

const journalFile = "reports/fixtures/complete/journal.jsonl";
const journalText = readFileSync(journalFile, "utf8");
const complete = await readRun("reports/fixtures/complete");
const conform = await readRun("reports/fixtures/conform");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a run folder", () => {
  it("is read from result.json before the journal", async () => {
    copyFileSync(journalFile, join(folder, "journal.jsonl"));
    writeFileSync(join(folder, "result.json"), JSON.stringify({ ...complete, durationMs: 1 }));
    expect((await readRun(folder)).durationMs).toBe(1);
  });

  it("is read from the journal where result.json is not valid, and says so", async () => {
    copyFileSync(journalFile, join(folder, "journal.jsonl"));
    writeFileSync(join(folder, "result.json"), '{"version":1');
    expect((await readRun(folder)).header.notes).toEqual([
      "The figures are read from the journal, because result.json was not valid: result.json is not JSON.",
    ]);
  });

  it("is not read from the journal where result.json is of another version", async () => {
    copyFileSync(journalFile, join(folder, "journal.jsonl"));
    writeFileSync(join(folder, "result.json"), '{"version":3}');
    await expect(readRun(folder)).rejects.toMatchObject({ code: "unknown-version" });
  });

  it.each([
    ["that is empty", "", "no-run"],
    ["that does not exist", "gone", "no-run"],
    ["that is a file", "file", "not-a-folder"],
  ])("%s is refused", async (_, name, code) => {
    writeFileSync(join(folder, "file"), "");
    await expect(readRun(join(folder, name))).rejects.toMatchObject({ code });
  });

  it("with a folder for a file is refused in a sentence", async () => {
    mkdirSync(join(folder, "result.json"));
    await expect(readRun(folder)).rejects.toBeInstanceOf(RunFolderError);
  });
});

describe("a result", () => {
  const [cell] = complete.cells;
  const [check] = conform.checks;
  const fault = (value: unknown) => {
    try {
      parseResult(JSON.stringify(value));
      return undefined;
    } catch (thrown) {
      return thrown instanceof RunFolderError ? [thrown.code, thrown.message] : thrown;
    }
  };

  it("is read as it was written", () => {
    expect(parseResult(JSON.stringify(complete))).toEqual(complete);
  });

  it("from before there were checks has none, and was not strict", () => {
    const { checks: _, ...old } = complete;
    const { strict: __, ...header } = complete.header;
    expect(parseResult(JSON.stringify({ ...old, header }))).toEqual(complete);
    expect(complete).toMatchObject({ checks: [], header: { strict: false } });
  });

  it("of a run without a control plane is read", () => {
    const header = { ...complete.header, target: null };
    expect(parseResult(JSON.stringify({ ...complete, header })).header.target).toBeNull();
  });

  it("of another version is refused before all else", () => {
    expect(fault({ version: 7 })).toEqual([
      "unknown-version",
      "The run is in version 7 of the format, and this kmsmark reads versions up to 2.",
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no version", { ...complete, version: undefined }, /^result\.json does not hold to its schema: version: /],
    ["a foreign field", { ...complete, total: 3 }, /schema: Unrecognized key: "total"\.$/],
    ["an unknown status", { ...complete, status: "good" }, /schema: status: /],
    ["a negative time", { ...complete, durationMs: -1 }, /schema: durationMs: /],
    ["an unknown target", { ...complete, header: { ...complete.header, target: { kind: "cloud" } } }, /schema: header\.target\.kind: /],
    ["a time that is none", { ...complete, header: { ...complete.header, startedAt: "yesterday" } }, /schema: header\.startedAt: /],
    ["an unknown provider", { ...complete, cells: [{ ...cell, provider: "rot13" }] }, /schema: cells\.0\.provider: /],
    ["half a secret", { ...complete, cells: [{ ...cell, secrets: 0.5 }] }, /schema: cells\.0\.secrets: /],
    [
      "a phase whose name is none",
      { ...complete, cells: [{ ...cell, phases: [{ ...cell?.phases[0], name: "A nap" }] }] },
      /schema: cells\.0\.phases\.0\.name: /,
    ],
    [
      "a load of no model",
      { ...complete, cells: [{ ...cell, phases: [{ ...cell?.phases[0], load: {} }] }] },
      /schema: cells\.0\.phases\.0\.load\.model: /,
    ],
    ["an unknown verdict", { ...complete, checks: [{ ...check, verdict: "fine" }] }, /schema: checks\.0\.verdict: /],
    ["evidence that lacks a part", { ...complete, checks: [{ ...check, evidence: [{ sent: "x" }] }] }, /schema: checks\.0\.evidence\.0\./],
    ["a list", [complete], /schema: /],
  ])("with %s is refused by the field's name", (_, value, message) => {
    expect(fault(value)).toEqual(["result-invalid", expect.stringMatching(message)]);
  });
});

describe("a journal", () => {
  it("with a torn last line is read up to there", () => {
    const whole = journalText.split("\n").slice(0, 4).join("\n");
    expect(parseJournal(`${whole}\n{"atMs":3,"event":"pha`)).toHaveLength(4);
  });

  it("with a last line that only lacks its end is read whole", () => {
    expect(parseJournal(journalText.trimEnd())).toEqual(parseJournal(journalText));
  });

  it("cut anywhere behind its header is read", () => {
    const bytes = Buffer.from(journalText);
    const headerBytes = bytes.indexOf("\n");
    fc.assert(
      fc.property(fc.integer({ min: headerBytes, max: bytes.length }), (length) => {
        expect(parseJournal(bytes.subarray(0, length).toString("utf8")).length).toBeGreaterThan(0);
      }),
    );
  });

  it.each([
    ["nothing", "", "journal-without-header"],
    ["a torn header alone", '{"atMs":0,"event":"hea', "journal-without-header"],
    ["no header", '{"atMs":0,"event":"note","text":"x"}\n', "journal-without-header"],
    ["a torn line within", '{"atMs":0,\n{"atMs":0,"event":"note","text":"x"}\n', "journal-invalid"],
    ["an empty line", "\n", "journal-invalid"],
    ["an event that there is not", '{"atMs":0,"event":"nap"}\n', "journal-invalid"],
    ["a header of another version", '{"atMs":0,"event":"header","version":9}\n', "unknown-version"],
  ])("of %s is refused", (_, text, code) => {
    expect(() => parseJournal(text)).toThrow(expect.objectContaining({ code }));
  });

  it("is refused by line and field", () => {
    const text = `${journalText}{"atMs":"soon","event":"note","text":"x"}\n`;
    const lines = journalText.split("\n").length;
    expect(() => parseJournal(text)).toThrow(new RegExp(`^Line ${lines} of the journal does not hold to its schema: atMs: `));
  });
});
