import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { foldJournal, type Journaled } from "./fold.ts";
import { parseJournal } from "./read-run.ts";
import { type CheckResult, type JournalEntry, journalEntrySchema, resultSchema } from "./schema.ts";

const [header, ...full] = parseJournal(readFileSync("reports/fixtures/complete/journal.jsonl", "utf8"));
const fold = (...rest: readonly JournalEntry[]) => foldJournal([header, ...rest]);
const cellStarted = journalEntrySchema.parse({ atMs: 5, event: "cell-started", provider: "kms-v2", secrets: 50 });
const writeStarted: JournalEntry = { atMs: 8, event: "phase-started", name: "write", due: 50 };
const cellEnded: JournalEntry = { atMs: 9, event: "cell-ended", fault: null };
const ended: JournalEntry = { atMs: 10, event: "end", status: "complete", fault: null };

const conform = parseJournal(readFileSync("reports/fixtures/conform/journal.jsonl", "utf8"));
const checkStarted = (id: string): JournalEntry => ({ atMs: 6, event: "check-started", id });
const checkEnded = (id: string): JournalEntry => ({ atMs: 7, event: "check", result: { ...aCheck, id } });
const aCheck: CheckResult = {
  ...{ id: "plugin/a", area: "plugin", title: "A holds.", level: "MUST", invariants: [], source: "KEP-3299", remedy: "Mend it." },
  ...{ verdict: "pass", reason: null, evidence: [], durationMs: 1 },
};

it("gathers cells, phases and envelope checks", () => {
  const result = fold(...full);
  expect(result).toMatchObject({ status: "complete", fault: null });
  expect(result.cells.map(({ provider, secrets, phases, envelopes }) => [provider, secrets, phases.length, envelopes?.right])).toEqual([
    ["identity", 50, 9, 50],
    ["kms-v2", 50, 9, 50],
    ["kms-v1", 50, 9, 50],
    ["identity", 500, 9, 500],
    ["kms-v2", 500, 9, 500],
    ["kms-v1", 500, 9, 500],
  ]);
});

it("makes a valid result of every beginning of a journal", () => {
  for (let length = 0; length < full.length; length++) {
    const result = fold(...full.slice(0, length));
    expect(resultSchema.safeParse(result).error).toBeUndefined();
    expect(result.status).toBe("cut off");
  }
});

it("gathers checks in the order in which they ended", () => {
  const result = fold(checkStarted("plugin/a"), checkStarted("plugin/b"), checkEnded("plugin/b"), checkEnded("plugin/a"), ended);
  expect(result.checks.map(({ id }) => id)).toEqual(["plugin/b", "plugin/a"]);
  expect(result).toMatchObject({ status: "complete", cells: [] });
});

it("has no checks where none ran", () => {
  expect(fold(...full).checks).toEqual([]);
});

it("leaves the entries as they are", () => {
  const entries: Journaled = [header, { atMs: 1, event: "note", text: "The tap could not stand." }];
  const before = structuredClone(entries);
  foldJournal(entries);
  expect(entries).toEqual(before);
});

it("adds notes to those of the header", () => {
  expect(fold({ atMs: 1, event: "note", text: "The tap could not stand." }).header.notes).toEqual(["The tap could not stand."]);
});

it("names the phase in which a run was cut off", () => {
  expect(fold(cellStarted, writeStarted)).toMatchObject({
    status: "cut off",
    fault: "The run was cut off in the phase write of kms-v2, 50 secrets.",
    durationMs: 8,
    cells: [{ fault: "Ended in the phase write.", startMs: 5 }],
  });
});

it("says where a run without a phase was cut off", () => {
  expect(fold().fault).toBe("The run was cut off between two phases.");
});

it.each<[string, JournalEntry[], string]>([
  ["no check", [], "between two checks"],
  ["a check", [checkStarted("plugin/a")], "in the check plugin/a"],
  ["checks side by side", [checkStarted("plugin/a"), checkStarted("plugin/b")], "in the checks plugin/a, plugin/b"],
  ["a check behind one that ended", [checkStarted("plugin/a"), checkStarted("plugin/b"), checkEnded("plugin/a")], "in the check plugin/b"],
  ["no check behind one that ended", [checkStarted("plugin/a"), checkEnded("plugin/a")], "between two checks"],
])("says that a run was cut off with %s under way", (_, entries, where) => {
  expect(foldJournal([conform[0], ...entries])).toMatchObject({ status: "cut off", fault: `The run was cut off ${where}.` });
});

it("makes a valid result of every beginning of a journal of checks", () => {
  const [first, ...rest] = conform;
  for (let length = 0; length < rest.length; length++) {
    expect(resultSchema.safeParse(foldJournal([first, ...rest.slice(0, length)])).error).toBeUndefined();
  }
});

it("marks a cell that was open when the run ended", () => {
  expect(fold(cellStarted, writeStarted, { atMs: 9, event: "end", status: "interrupted", fault: "Interrupted." })).toMatchObject({
    status: "interrupted",
    fault: "Interrupted.",
    cells: [{ fault: "Ended in the phase write." }],
  });
});

it("keeps the fault that a cell ended with", () => {
  const result = fold(cellStarted, writeStarted, { ...cellEnded, fault: "kube-apiserver does not come up." }, ended);
  expect(result.cells[0]?.fault).toBe("kube-apiserver does not come up.");
});

describe("an order that no run can have", () => {
  it.each<[string, JournalEntry[], string]>([
    ["a second header", [header], "Line 2 of the journal is a second header."],
    ["a phase first", [writeStarted], "Line 2 of the journal is a phase outside of a cell."],
    ["a cell in a cell", [cellStarted, cellStarted], "Line 3 of the journal is a cell that starts before the last one ended."],
    ["an end of no cell", [cellEnded], "Line 2 of the journal is the end of a cell that did not start."],
    [
      "two results of a check",
      [checkEnded("plugin/a"), checkEnded("plugin/a")],
      "Line 3 of the journal is a second result of the check plugin/a.",
    ],
    ["more than the end", [ended, cellStarted], "Line 3 of the journal is something after the run's end."],
  ])("refuses %s", (_, entries, message) => {
    expect(() => fold(...entries)).toThrow(expect.objectContaining({ code: "journal-out-of-order", message }));
  });
});
