import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renderTerminal } from "../../reports/index.ts";
import { type CliAnswer, callCli } from "../cli-call.ts";
import { parseResult, readRun } from "../run/read-run.ts";
import { command } from "./plan.ts";

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plan-"));
  out = join(folder, "run");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plan = (...words: readonly string[]): Promise<CliAnswer> => callCli(["plan", ...words, "--out", out]);
/** Small, so that it costs little. */
const little = ["--secrets", "50", "--kms", "v1", "--kms-latency", "20ms"] as const;

describe("a plan", () => {
  it("prints words first, then tables, and leaves its reports, which can be made again", async () => {
    const { code, stdout, stderr } = await plan(...little, "--sweep", "secrets=50..500");
    expect(code, stderr).toBe(0);
    const result = await readRun(out);
    expect(stdout).toBe(renderTerminal(result, 100));
    expect(stdout).toMatch(/^A prediction of the model.*nothing below was measured/);
    expect(stdout).toContain("A restart of one API server takes 2.0 s until it is ready, with 50 calls.");
    expect(stdout.indexOf("A restart of one")).toBeLessThan(stdout.indexOf("Restarts, predicted"));
    expect(stderr).toBe(`The plan is in ${out}; report.html there shows it.\n`);
    const files = ["journal.jsonl", "junit.xml", "metrics.prom", "plan.csv", "report.html", "result.json", "summary.md", "sweep.csv"];
    expect(readdirSync(out).toSorted()).toEqual(files);
    const again = await callCli(["report", out]);
    expect(again.stdout).toBe(stdout);
  });

  it("is the same for the same seed, to the digit", async () => {
    const words = ["--secrets", "20", "--kms-latency", "exp(20ms)", "--seed", "a", "--json"] as const;
    const first = parseResult((await plan(...words)).stdout);
    rmSync(out, { recursive: true });
    const second = parseResult((await plan(...words)).stdout);
    expect(second.plan).toEqual(first.plan);
    rmSync(out, { recursive: true });
    const other = parseResult((await callCli(["plan", ...words.slice(0, 4), "--seed", "b", "--json", "--out", join(folder, "b")])).stdout);
    expect(other.plan).not.toEqual(first.plan);
  });

  it("exits with 1 where a stated limit breaks, and with 0 where it holds", async () => {
    const broken = await plan(...little, "--limit", "ready-one <= 1s");
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain('✗ By the prediction the limit "ready-one <= 1s" does not hold: 2.0 s.');
    rmSync(out, { recursive: true });
    expect((await plan(...little, "--limit", "ready-one <= 3s", "--limit", "decrypts-per-start < 51")).code).toBe(0);
  });

  it("reads a file, of which the options have the last word", async () => {
    const file = join(folder, "fleet.yaml");
    writeFileSync(file, "secrets: 30\napiServers: 2\nkms: v1\nrolloutEvery: 1d\n");
    const { stdout } = await plan("--file", file, "--api-servers", "1", "--json");
    expect(parseResult(stdout).plan?.fleet).toEqual([
      { name: "secrets", value: "30" },
      { name: "apiServers", value: "1" },
      { name: "kms", value: "v1" },
      { name: "rolloutEvery", value: "1d" },
    ]);
  });

  it("takes the latency of a measured run", async () => {
    const { stdout, stderr } = await plan("--from", "reports/fixtures/complete", "--kms", "v1", "--json");
    const result = parseResult(stdout);
    expect(stderr).toBe("");
    expect(result.header.notes[0]).toMatch(/^Measured in the run 5e0c7a91: 500 Secrets with kms-v1;/);
    expect(result.plan?.fleet.find(({ name }) => name === "kmsLatency")?.value).toMatch(/^quantiles\(p0=/);
  });

  it("takes the quota and the prices of a table, also of one's own", async () => {
    const file = join(folder, "prices.json");
    const table = {
      name: "ours",
      asOf: "2026-11",
      source: "the contract",
      usdPer10000Calls: 10,
      freeCallsPerMonth: 0,
      usdPerKeyMonth: 0,
      callsPerSecondMax: 7,
      note: "",
    };
    writeFileSync(file, JSON.stringify(table));
    const result = parseResult((await plan("--secrets", "20", "--kms", "v1", "--prices", file, "--json")).stdout);
    expect(result.plan?.quota?.perSecond).toBe(7);
    const { callsPerMonth = 0, usdPerMonth } = result.plan?.figures ?? {};
    expect(usdPerMonth).toBeCloseTo(callsPerMonth / 1000, 6);
  });
});

describe("nonsense gets a sentence", () => {
  it.each([
    [["--secrets", "-5"], '--secrets takes a whole number from 1 to 1,000,000,000, not "-5".'],
    [["--secrets", "0"], '--secrets takes a whole number from 1 to 1,000,000,000, not "0".'],
    [["--secrets", "NaN"], '--secrets takes a whole number from 1 to 1,000,000,000, not "NaN".'],
    [["--secrets", "1e30"], '--secrets takes a whole number from 1 to 1,000,000,000, not "1e30".'],
    [["--secrets", "1.5"], '--secrets takes a whole number from 1 to 1,000,000,000, not "1.5".'],
    [["--kms", "v1"], "--secrets must be given, as a number or a word."],
    [[...little, "--api-servers", "0"], '--api-servers takes a whole number from 1 to 100, not "0".'],
    [[...little, "--quota", "-1"], '--quota takes a number from 0.01 to 1,000,000,000, not "-1".'],
    [[...little, "--cachesize", "0"], '--cachesize takes a whole number other than 0, negative for no cache, not "0".'],
    [[...little, "--kubernetes", "v1.99.0"], "--kubernetes knows Kubernetes up to v1.37, not v1.99.0."],
    [[...little, "--kubernetes", "banana"], '--kubernetes takes a version from v1.29 to v1.37, not "banana".'],
    [["--secrets", "50", "--kms", "v3"], '--kms takes one of v1, v2, not "v3".'],
    [[...little, "--timeout", "soon"], '--timeout takes a duration from 1ms to 10m, such as 40ms, 90s, 12h or 30d, not "soon".'],
    [[...little, "--prices", "moon"], 'There is no price table "moon".'],
    [[...little, "--sweep", "moon=1..2"], '--sweep "moon=1..2" cannot be understood: it takes a field and its values.'],
    [[...little, "--sweep", "secrets=9..1"], '--sweep "secrets=9..1" cannot be understood: it takes a field and its values.'],
    [[...little, "--limit", "joy > 3"], '--limit "joy > 3" cannot be understood: it takes a figure, <= or <, and a value.'],
    [[...little, "--dek-sources", "2"], "--dek-sources is for KMS v2: with v1 every object has one of its own."],
    [[...little, "--other-objects", "2"], "--other-objects and --other-resources go together."],
    [[...little, "--from", "reports"], "reports is not a run folder: it holds neither result.json nor journal.jsonl."],
    [[...little, "--from-cluster"], "--from-cluster reads the cluster of a kubeconfig: name it with --kubeconfig."],
    [["--file", "nowhere.yaml"], "nowhere.yaml cannot be read: ENOENT: no such file or directory, open 'nowhere.yaml'."],
  ])("%j", async (words, sentence) => {
    const { code, stdout, stderr } = await plan(...words);
    expect(stderr.split("\n")[0]).toBe(`kmsmark: ${sentence}`);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("names everything that is wrong at once", async () => {
    const { stderr } = await plan("--secrets", "0", "--kms", "v3");
    expect(stderr.split("\n")[0]).toMatch(/--kms takes.* --secrets takes|--secrets takes.* --kms takes/);
  });

  it("finds a word that no field has", async () => {
    const file = join(folder, "fleet.yaml");
    writeFileSync(file, "secrets: 30\nservers: 2\n");
    expect((await plan("--file", file)).stderr).toContain("A fleet has no field servers.");
  });
});

it("has examples that run", async () => {
  for (const [at, { line }] of command.examples.entries()) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain).slice(2);
    const { code, stderr } = await callCli(["plan", ...words, "--out", join(folder, String(at))]);
    expect(code, `${line}\n${stderr}`).toBe(0);
  }
});
