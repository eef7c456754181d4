import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import yargs from "yargs";
import { renderComparison } from "../../reports/comparison.ts";
import { comparisonSchema } from "../run/comparison.ts";
import { readRun } from "../run/read-run.ts";
import { resultSchema } from "../run/schema.ts";
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
  const surroundings = { columns: 100, environment: {}, folder: process.cwd(), line: { words: [], notes: [] } };
  const context = { signal: new AbortController().signal, stdout, stderr: process.stderr, ...surroundings };
  return { exitCode: await command.run(parsed, context), answer: stdout.read() };
}

const written = (file: string) => readFileSync(join(folder, file), "utf8");
const expected = (theme: string, file: string) => readFileSync(`reports/fixtures/${theme}/expected/${file}`, "utf8");
const files = ["result.json", "summary.md", "report.html", "junit.xml", "metrics.prom", "phases.csv"];
/** Those that are kept whole: of the page the style and the charts are left out. */
const texts = files.filter((file) => file !== "report.html");

it("makes every report of a run that was killed, from its journal", async () => {
  given("cut-off");
  expect(await report(folder)).toEqual({ exitCode: 0, answer: expected("cut-off", "terminal-100.txt") });
  expect(readdirSync(folder).toSorted()).toEqual(["journal.jsonl", ...files].toSorted());
  for (const file of texts) expect(written(file)).toBe(expected("cut-off", file));
});

it("makes the same reports of its own result.json", async () => {
  given("mismatch");
  await report(folder);
  rmSync(join(folder, "journal.jsonl"));
  for (const file of files.slice(1)) rmSync(join(folder, file));
  expect(await report(folder)).toEqual({ exitCode: 0, answer: expected("mismatch", "terminal-100.txt") });
  for (const file of texts) expect(written(file)).toBe(expected("mismatch", file));
});

it("leaves journal and samples as they are", async () => {
  given("complete");
  mkdirSync(join(folder, "samples"));
  writeFileSync(join(folder, "samples", "requests.csv"), "provider\n");
  await report(folder);
  expect(written("samples/requests.csv")).toBe("provider\n");
  expect(written("journal.jsonl")).toBe(readFileSync("reports/fixtures/complete/journal.jsonl", "utf8"));
});

it("reads no samples, of which there may be millions", async () => {
  given("complete");
  mkdirSync(join(folder, "samples", "requests.csv"), { recursive: true });
  expect(await report(folder)).toMatchObject({ exitCode: 0 });
});

it("serves nothing and asks nobody", async () => {
  given("embedded");
  const touched = [vi.spyOn(Server.prototype, "listen"), vi.spyOn(Socket.prototype, "connect"), vi.spyOn(globalThis, "fetch")];
  try {
    await report(folder);
    for (const each of touched) expect(each).not.toHaveBeenCalled();
    // A test that cannot fail is none.
    createServer().listen(0, "127.0.0.1").close();
    expect(touched[0]).toHaveBeenCalled();
  } finally {
    for (const each of touched) each.mockRestore();
  }
});

it("prints the result alone with --json", async () => {
  given("complete");
  expect(JSON.parse((await report(folder, "--json")).answer)).toEqual(await readRun("reports/fixtures/complete"));
});

it.each(command.examples)("has an example that can be parsed: $line", async ({ line }) => {
  const [, name, ...words] = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
  expect(name).toBe("report");
  const parsed = await command.options(yargs().command(command.usage, "").strict()).parseAsync(["report", ...words]);
  const [run, ...others] = words.filter((word) => /^(runs|baseline)\b/.test(word));
  const named = line.includes("--save-baseline") ? [] : others;
  expect(parsed).toMatchObject({ run, others: named, json: line.endsWith("--json"), merge: line.endsWith("--merge") });
});

describe("a comparison", () => {
  const own = ["comparison.csv", "comparison.html", "comparison.json", "comparison.md"];

  it("writes its reports into the folder of the other run, and nothing else", async () => {
    given("complete");
    const { exitCode, answer } = await report("reports/fixtures/mismatch", folder, "--fail-on", "kms-v1.cold.decrypts > +0");
    expect(exitCode).toBe(0);
    expect(answer).toMatch(/^Unlike runs: .*KMS plugin/);
    expect(answer).toContain("· Limit kept: kms-v1.cold.decrypts > +0: 50 → 50, +0.\n");
    expect(readdirSync(folder).toSorted()).toEqual([...own, "journal.jsonl"]);
    expect(renderComparison(comparisonSchema.parse(JSON.parse(written("comparison.json"))), 100)).toBe(answer);
  });

  it("with a baseline ends with 1 on a regression", async () => {
    given("complete");
    const baseline = join(folder, "baseline.json");
    expect((await report(folder, "--save-baseline", baseline)).exitCode).toBe(0);
    const out = join(folder, "compared");
    const words = [baseline, "reports/fixtures/mismatch", "--out", out];
    const { exitCode, answer } = await report(...words, "--fail-on", "kms-v1.write.failed > +0", "--fail-on", "read.p50 > +10%");
    expect(exitCode).toBe(1);
    expect(answer).toContain("✗ Regression: kms-v1.write.failed > +0: 0 → 3, +3.\n· Limit kept: read.p50 > +10%: ");
    expect(readdirSync(out).toSorted()).toEqual(own);
  });

  it("ends with 1 where a limit cannot be judged", async () => {
    given("complete");
    expect((await report("reports/fixtures/mismatch", folder, "--fail-on", "kms-v1.write.p99 > +10%")).exitCode).toBe(1);
  });

  it("of two baselines is printed alone, as JSON if that is wanted", async () => {
    given("cut-off");
    const baseline = join(folder, "baseline.json");
    await report(folder, "--save-baseline", baseline);
    const before = readdirSync(folder);
    const { exitCode, answer } = await report(baseline, baseline, "--json");
    expect([exitCode, comparisonSchema.parse(JSON.parse(answer)).unlike]).toEqual([0, []]);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("of two providers of one run says so, and is written into its folder", async () => {
    given("complete");
    const { exitCode, answer } = await report(folder, "--between", "kms-v2", "--between", "kms-v1", "--fail-on", "write.encrypts > +0");
    expect(exitCode).toBe(1);
    expect(answer).toMatch(/^The sides are of one run, alike in machine, /);
    expect(answer).toContain("A is kms-v2 and B is kms-v1 in run 5e0c7a91 ");
    expect(readdirSync(folder).toSorted()).toEqual([...own, "journal.jsonl"]);
  });

  it.each([
    ["three runs", ["reports/fixtures/mismatch", "reports/fixtures/rounds"], "too-many-runs"],
    ["a limit on merged runs", ["reports/fixtures/mismatch", "--merge", "--fail-on", "write.p99 > +10%"], "merge-alone"],
    ["a run to merge with nothing", ["--merge"], "not-mergeable"],
    ["a run to merge with one of another kind", ["reports/fixtures/conform", "--merge"], "not-mergeable"],
    ["cells of two runs", ["reports/fixtures/mismatch", "--between", "kms-v1", "--between", "kms-v2"], "between-two"],
    ["a limit without a second run", ["--fail-on", "write.p99 > +10%"], "nothing-to-compare-with"],
    ["a folder without a second run", ["--out", "x"], "nothing-to-compare-with"],
    ["a baseline of two runs", ["reports/fixtures/mismatch", "--save-baseline", "x"], "baseline-of-two"],
    ["a limit that is none", ["reports/fixtures/mismatch", "--fail-on", "write.p99"], "bad-limit"],
    ["a limit on what neither run has", ["reports/fixtures/mismatch", "--fail-on", "wirte.p99 > +10%"], "unknown-metric"],
    ["a run of another kind", ["reports/fixtures/conform"], "nothing-in-common"],
  ])("refuses %s", async (_, words, code) => {
    given("complete");
    await expect(report(folder, ...words)).rejects.toMatchObject({ name: "UsageError", code });
    expect(readdirSync(folder)).toEqual(["journal.jsonl"]);
  });
});

describe("a run that kmsmark wrote in version 1", () => {
  const old = "harness/run/fixtures/version-1";

  it.each(["result.json", "journal.jsonl"])("is reported from its %s", async (file) => {
    copyFileSync(join(old, file), join(folder, file));
    const { exitCode, answer } = await report(folder);
    expect(exitCode).toBe(0);
    expect(answer).toMatch(/^write, 4 secrets .*\n.*kms-v2: 4 of 4 envelopes right/m);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(files));
    const { version, cells } = resultSchema.parse(JSON.parse(written("result.json")));
    const phase = cells[0]?.phases.find(({ name }) => name === "write");
    expect([version, phase?.timeline]).toEqual([
      2,
      {
        stepMs: 1000,
        load: [
          { step: 0, ok: 2, failed: 0, dropped: 0, p50: 16187391, p99: 111748561, max: 111748561 },
          { step: 1, ok: 2, failed: 0, dropped: 0, p50: 12771327, p99: 57894345, max: 57894345 },
        ],
        kms: null,
      },
    ]);
  });

  it("is compared with its baseline of that version, and makes the same of this one", async () => {
    for (const file of ["journal.jsonl", "baseline.json"]) copyFileSync(join(old, file), join(folder, file));
    const now = join(folder, "now.json");
    await report(folder, "--save-baseline", now);
    const [first, second] = [await report(join(old, "baseline.json"), now), await report(now, now)];
    expect(first).toEqual(second);
  });
});

it("merges runs into a folder of its own, and leaves theirs as they are", async () => {
  const [a, b, out] = ["a", "b", "merged"].map((name) => join(folder, name));
  if (a === undefined || b === undefined || out === undefined) throw new Error("There are three names.");
  for (const [path, runId] of [
    [a, "a9b3083f"],
    [b, "77aa0012"],
  ] as const) {
    mkdirSync(path);
    const text = readFileSync("harness/run/fixtures/version-1/journal.jsonl", "utf8");
    writeFileSync(
      join(path, "journal.jsonl"),
      text.replace('"runId":"a9b3083f"', `"runId":"${runId}"`).replace('"cpus":2', `"cpus":${path === a ? 2 : 4}`),
    );
  }
  const { exitCode, answer } = await report(a, b, "--merge", "--out", out);
  expect([exitCode, readdirSync(a), readdirSync(out).toSorted()]).toEqual([0, ["journal.jsonl"], files.toSorted()]);
  for (const text of [answer, readFileSync(join(out, "summary.md"), "utf8"), readFileSync(join(out, "report.html"), "utf8")]) {
    expect(text.replaceAll(/\s+/g, " ")).toContain("Merged of 2 runs. ");
    expect(text).toContain("77aa0012");
  }
  const junit = readFileSync(join(out, "junit.xml"), "utf8");
  expect(junit).toContain('name="write: kms-v2, 4 secrets, machine 1"');
  expect(junit).toContain('name="write: kms-v2, 4 secrets, machine 2"');
  // It is a run like any other: reported again, and compared within itself.
  expect((await report(out)).answer).toBe(answer);
  const between = await report(out, "--between", "[machine=1]", "--between", "[machine=2]");
  expect(between.answer).toMatch(/^The sides are of one result that was merged of 2 runs: /);
  expect(between.answer).not.toMatch(/alike in machine|one after the other/);
  await expect(report(out, a, "--merge", "--out", join(folder, "twice"))).rejects.toMatchObject({ code: "not-mergeable" });
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
