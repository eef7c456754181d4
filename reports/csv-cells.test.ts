import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparisonSchema } from "../harness/run/comparison.ts";
import { readRun } from "../harness/run/read-run.ts";
import { type KmsCallSample, Samples } from "../harness/run/samples.ts";
import type { Result } from "../harness/run/schema.ts";
import { comparisonReporters } from "./comparison.ts";
import { reporters } from "./index.ts";
import { madeHostile, madeHostileBy } from "./made-hostile.ts";
import type { Reporter } from "./reporter.ts";

// What every CSV keeps to, whichever reporter makes it: those that are added join by the registries.

const themes = readdirSync("reports/fixtures").filter((name) => name !== "comparison");
const results = await Promise.all(themes.map((theme) => readRun(`reports/fixtures/${theme}`)));
const comparison = comparisonSchema.parse(JSON.parse(readFileSync("reports/fixtures/comparison/comparison.json", "utf8")));

const ofResults = reporters.filter(({ file }) => file.endsWith(".csv"));
const ofComparisons = comparisonReporters.filter(({ file }) => file.endsWith(".csv"));

function rowsOf(text: string): string[][] {
  return parse(text);
}

/** The cells that a spreadsheet would run: OWASP's list for CSV injection, numbers excepted. */
function formulas(text: string): string[] {
  return rowsOf(text)
    .flat()
    .filter((cell) => /^[=+\-@\t\r＝＋－＠]/u.test(cell) && !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(cell));
}

/** What somebody may have written who wants it run, on another line or behind a quote too. */
const evil = fc
  .tuple(fc.constantFrom("=", "+", "-", "@", "\t", "\r", "\n", "\r\n", '"', ",", ";", "'", "\u0000", "＝"), fc.string({ unit: "binary" }))
  .map(([first, rest]) => `${first}=${rest}`);

function applies({ isFor }: Reporter, result: Result): boolean {
  return isFor?.(result) ?? true;
}

describe.each(ofResults)("$file", (reporter: Reporter) => {
  const shown = results.filter((result) => applies(reporter, result));

  it("runs no formula, whatever others wrote, and has as many rows and columns as without it", async () => {
    expect(shown).not.toEqual([]);
    const shape = (text: string) => rowsOf(text).map(({ length }) => length);
    const tame = await Promise.all(shown.map(async (result) => shape(await reporter.render(result))));
    await fc.assert(
      fc.asyncProperty(evil, async (text) => {
        for (const [at, result] of shown.entries()) {
          const csv = await reporter.render(madeHostile(result, text));
          expect(formulas(csv)).toEqual([]);
          expect(shape(csv)).toEqual(tame[at]);
        }
      }),
      { numRuns: 8 },
    );
  });
});

describe.each(ofComparisons)("$file", ({ file, render }) => {
  it("runs no formula, whatever others wrote, and keeps numbers below zero as they are", async () => {
    await fc.assert(
      fc.asyncProperty(evil, async (text) => {
        expect(formulas(await render(comparisonSchema.parse(madeHostileBy(comparisonSchema, comparison, text))))).toEqual([]);
      }),
      { numRuns: 8 },
    );
    const compared = comparison.compared.map((each) => ({ ...each, difference: { value: -5.25e-7, low: -6, high: null } }));
    const [names = [], ...rows] = rowsOf(await render({ ...comparison, compared }));
    // The file of the checks has no figures.
    const numbers = file === "comparison-checks.csv" ? [] : [["-5.25e-7"], ["-6"]];
    const columns = ["difference", "difference_low"]
      .filter((name) => names.includes(name))
      .map((name) => rows.map((row) => row[names.indexOf(name)]));
    expect(columns.map((cells) => [...new Set(cells)])).toEqual(numbers);
  });
});

it("parses back to the figures of the result", async () => {
  for (const result of results.filter(({ cells }) => cells.length > 0)) {
    const text = (await reporters.find(({ file }) => file === "phases.csv")?.render(result)) ?? "";
    const [names = [], ...rows] = rowsOf(text);
    const column = (name: string) => rows.map((row) => row[names.indexOf(name)]);
    const phases = result.cells.flatMap((cell) => cell.phases);
    expect(column("ok").map(Number)).toEqual(phases.map(({ requests }) => requests.ok));
    expect(column("duration_ms").map(Number)).toEqual(phases.map(({ durationMs }) => durationMs));
    expect(column("latency_p99_ns")).toEqual(phases.map(({ latency }) => (latency === null ? "" : String(latency.p99))));
    expect(column("provider")).toEqual(result.cells.flatMap((cell) => cell.phases.map(() => cell.provider)));
  }
});

it("holds for the samples too, which are written while a run goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
  try {
    const [texts] = fc.sample(fc.array(evil, { minLength: 100, maxLength: 100 }), 1);
    const samples = new Samples(folder);
    for (const text of texts ?? []) samples.kmsCalls.append({ ...call, uid: text, keyId: text, fault: text });
    await samples.flush();
    const csv = readFileSync(join(folder, "samples", "kms-calls.csv"), "utf8");
    expect(rowsOf(csv)).toHaveLength(101);
    expect(formulas(csv)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("would find a formula, and takes a number below zero for none", () => {
  expect(formulas('name,difference\n=1+1,-5\n"\t=1",-1.5e-7\n-1+1,5\n')).toEqual(["=1+1", "\t=1", "-1+1"]);
});

const call: KmsCallSample = {
  ...{
    benchmark: "write",
    provider: "kms-v2",
    secrets: 50,
    parameters: {},
    round: 1,
    phase: "write",
    apiServer: 1,
    sequence: 3,
    kms: "v2",
  },
  ...{
    method: "Encrypt",
    uid: "1",
    keyId: "key-1",
    requestBytes: 70,
    responseBytes: 120,
    purpose: "work",
    startMs: 12.5,
    durationMs: 0.31,
  },
  ...{ grpcCode: 0, fault: undefined },
};
