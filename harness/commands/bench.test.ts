import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPlugin } from "../../plugins/index.ts";
import { renderTerminal } from "../../reports/index.ts";
import { benchmarks } from "../../suites/bench/index.ts";
import { lifecyclePhases } from "../../suites/bench/lifecycle.ts";
import { type CliAnswer, callCli } from "../cli-call.ts";
import { leasesFolder } from "../lease.ts";
import { readRun } from "../run/read-run.ts";
import { command } from "./bench.ts";

const realTmpdir = tmpdir();
let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(realTmpdir, "bench-"));
  out = join(folder, "run");
  process.env["TMPDIR"] = folder;
});
afterEach(() => {
  process.env["TMPDIR"] = realTmpdir;
  rmSync(folder, { recursive: true, force: true });
});

const bench = (...words: readonly string[]): Promise<CliAnswer> => callCli(["bench", "--target", "embedded", ...words]);
/** The smallest run that there is, if it runs at all. */
const little = ["--secrets", "6", "--closed-loop"] as const;
/** What a kmsmark that could not run wrote last: the sentence, and the hint below it. */
const lastWords = ({ stderr }: CliAnswer): string => stderr.slice(stderr.lastIndexOf("kmsmark: "));

describe("a run", () => {
  it("prints its table and where it is, and leaves its reports and nothing else", async () => {
    const { code, stdout, stderr } = await bench(...little, "--providers", "identity,kms-v1,kms-v2", "--out", out, "--seed", "abc");
    expect(code, stderr).toBe(0);
    const result = await readRun(out);
    expect(stdout).toBe(renderTerminal(result, 100));
    expect(result).toMatchObject({ status: "complete", fault: null, header: { target: { kind: "embedded", isModel: true, etcd: null } } });
    expect(result.cells.map(({ provider, envelopes }) => [provider, envelopes?.right])).toEqual([
      ["identity", 6],
      ["kms-v1", 6],
      ["kms-v2", 6],
    ]);
    for (const { phases } of result.cells) expect(phases.map(({ name }) => name)).toEqual(lifecyclePhases);

    const lines = stderr.trimEnd().split("\n");
    expect(lines[0]).toBe("Target: embedded – a model of the API server inside kmsmark, not a real kube-apiserver.");
    expect(lines[1]).toBe(`Seed abc; the run goes to ${out}.`);
    expect(lines.at(-1)).toBe(`The run is in ${out}; report.html there shows it.`);
    expect(lines.filter((line) => line.startsWith("kms-v1, 6 secrets: write 6/6"))).toHaveLength(1);

    const files = ["journal.jsonl", "junit.xml", "metrics.prom", "phases.csv", "report.html", "result.json", "samples", "summary.md"];
    expect(readdirSync(out).toSorted()).toEqual(files);
    expect(readdirSync(join(out, "samples")).toSorted()).toEqual(["kms-calls.csv", "requests.csv", "seconds.csv"]);
    expect(readdirSync(leasesFolder())).toEqual([]);
  });

  it("prints its result alone with --json", async () => {
    const { code, stdout, stderr } = await bench(...little, "--providers", "aesgcm", "--out", out, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual(await readRun(out));
  });

  it("measures providers beside one another in rounds, and says first what it found", async () => {
    const [example = ""] = command.examples.flatMap(({ line }) => (line.includes("--rounds") ? [line] : []));
    const words = example.replace("kmsmark bench ", "").replace("identity,kms-v2", "identity,aesgcm").split(" ");
    const { code, stdout, stderr } = await bench(...words, "--secrets", "4", "--closed-loop", "--in-flight", "2", "--out", out);
    expect(code, stderr).toBe(0);
    const { cells, findings } = await readRun(out);
    expect(cells.map(({ benchmark }) => benchmark)).toEqual([...Array(10).fill("write"), ...Array(10).fill("read")]);
    expect(new Set(cells.map(({ provider, round }) => `${provider} ${round}`)).size).toBe(10);
    expect(findings.map(({ benchmark }) => benchmark)).toEqual(["write", "read"]);
    expect(stdout.indexOf("» write: A create takes ")).toBeLessThan(stdout.indexOf("5 rounds together"));
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain(">In short</h2>");
  });

  it("has three API servers and a KMS that is slow", async () => {
    const [example = ""] = command.examples.flatMap(({ line }) => (line.includes("--api-servers") ? [line] : []));
    const words = example.replace("kmsmark bench ", "").replace("0,40", "20").split(" ");
    const { code, stderr } = await bench(...words, "--secrets", "2", "--closed-loop", "--in-flight", "3", "--out", out);
    expect(code, stderr).toBe(0);
    const { cells } = await readRun(out);
    expect(cells.map(({ parameters }) => parameters)).toEqual(Array(2).fill({ kmsLatencyMs: 20, apiServers: 3 }));
  });

  it("measures somebody's plugin", async () => {
    const socket = join(folder, "kms.sock");
    const provider = { name: "local", keyFile: join(folder, "keys.json") } as const;
    await using _plugin = await startPlugin({ socket, provider, log: pino({ level: "silent" }) });
    const [example = ""] = command.examples.flatMap(({ line }) => (line.includes("--socket") ? [line] : []));
    const words = example.replace("kmsmark bench ", "").replace("/run/kms.sock", socket).split(" ");
    const { code, stderr } = await bench(...little, "--out", out, ...words);
    expect(code, stderr).toBe(0);
    const { header, cells } = await readRun(out);
    expect([header.plugin, cells[0]?.envelopes?.right]).toEqual([socket, 6]);
  });
});

describe("thresholds", () => {
  it("are judged at the end, kept in the run, and decide how it ends", async () => {
    const [line = ""] = command.examples.flatMap((example) => (example.line.includes("--threshold") ? [example.line] : []));
    const words = (line.match(/'[^']*'|\S+/g) ?? []).slice(2).map((word) => word.replaceAll("'", "").replace("20ms", "1h"));
    const kept = await bench(...little, ...words, "--out", out);
    expect(kept.code, kept.stderr).toBe(0);
    expect(kept.stdout).toContain("· The threshold kms-v2.write.encrypts<=1 holds: 0.\n");
    const { thresholds } = await readRun(out);
    expect(thresholds.map(({ expression, holds }) => [expression, holds])).toEqual([
      ["kms-v2.write.p99<1h", true],
      ["kms-v2.write.encrypts<=1", true],
    ]);
    expect(readFileSync(join(out, "journal.jsonl"), "utf8")).toContain('"event":"thresholds"');
  });

  it("that do not hold are a reason for exit code 1", async () => {
    const { code, stdout } = await bench(...little, "--providers", "kms-v1", "--threshold", "cold.decrypts>secrets", "--out", out);
    expect(code).toBe(1);
    expect(stdout).toContain("✗ The threshold cold.decrypts>secrets does not hold: 0 against 6.\n");
  });

  it.each([
    ["kms-v2.wirte.p99<20ms", 'There can be no "kms-v2.wirte.p99" in this run: no phase is called "wirte", the nearest is "write".'],
    ["kms-v1.write.p99<20ms", 'There can be no "kms-v1.write.p99" in this run: the provider kms-v1 is not measured, but identity, kms-v2.'],
    ["storm/write.p99<20ms", 'There can be no "storm/write.p99" in this run: no benchmark is called "storm"; there are lifecycle.'],
  ])("on what cannot be are refused before anything is begun: %s", async (expression, sentence) => {
    const { code, stdout, stderr } = await bench("--threshold", expression, "--out", out);
    expect([code, stdout, stderr.split("\n")[0]]).toEqual([2, "", `kmsmark: ${sentence}`]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

it("names the benchmarks with --list, and measures nothing", async () => {
  const { code, stdout, stderr } = await bench("--list", "--out", out);
  expect([code, stderr]).toEqual([0, ""]);
  const words = stdout.replaceAll(/\s+/g, " ");
  for (const { id, question, knownBefore, takes, needs } of Object.values(benchmarks)) {
    expect(words).toContain(`${id} answers ${question} known ${knownBefore} takes ${takes} needs ${needs}`);
  }
  expect(readdirSync(folder)).toEqual([]);
});

describe("words that cannot be are told in one sentence, and nothing is begun", () => {
  const options = "`kmsmark bench --help` shows what there is.";
  const secrets = "--secrets takes a whole number from 1 to 100000.";
  const rate = "--rate takes requests a second above 0, at most 1000000: one (200), from..to (100..1000), or several (100,200,400).";
  it.each([
    [["--secrets", "0"], secrets, options],
    [["--secrets", "-1"], secrets, options],
    [["--secrets", "NaN,50"], secrets, options],
    [["--secrets", "1e30"], secrets, options],
    [["--secrets", "5x"], secrets, options],
    [["--secrets", "1.5"], secrets, options],
    [["--secrets", "100001"], secrets, options],
    [["--secrets", ""], "--secrets takes at least one number.", options],
    [["--secrets", ","], "--secrets takes at least one number.", options],
    [["--providers", "kms-v3"], 'The provider "kms-v3" is none of identity, kms-v2, kms-v1, aescbc, aesgcm, secretbox.', options],
    [["--providers", ""], "--providers takes at least one name.", options],
    [["--rate", "0"], rate, options],
    [["--rate", "-5"], rate, options],
    [["--rate", "NaN"], rate, options],
    [["--rate", "Infinity"], rate, options],
    [["--rate", "fast"], rate, options],
    [["--in-flight", "0.5"], "--in-flight takes a whole number from 1 to 4096.", options],
    [["--in-flight", "4097"], "--in-flight takes a whole number from 1 to 4096.", options],
    [["--cachesize", "0"], "--cachesize takes a whole number from 1 to 2147483647.", options],
    [["--feature-gates", "A=maybe"], '--feature-gates takes Name=true or Name=false, not "A=maybe".', options],
    [["--seed", ""], "--seed takes a word.", options],
    [["--out", ""], "--out takes a folder.", options],
    [["nosuch"], `The benchmark "nosuch" is none of ${Object.keys(benchmarks).join(", ")}.`, options],
    [["--kubernetes", "latest"], '"latest" is not a version of Kubernetes.', "Versions look like v1.37.2."],
    [["--kubernetes", ""], '"" is not a version of Kubernetes.', "Versions look like v1.37.2."],
    [["--kubernetes", "v1.20.0"], "Kubernetes v1.20.0 is not supported: kmsmark runs v1.29 and later.", "For example v1.37.2."],
    [["--etcd", "2.3.8"], "etcd v2.3.8 is not supported: kmsmark runs v3.5 and later.", "For example v3.7.3."],
    [
      ["--socket", `unix:///${"x".repeat(107)}`],
      `The socket path /${"x".repeat(107)} has 108 bytes; a Unix socket's has at most 107.`,
      "Put the socket into a folder with a shorter path.",
    ],
    [
      ["--socket", "unix:///@abstract"],
      "unix:///@abstract names an abstract socket, which kmsmark cannot use.",
      "Let the plugin listen on a socket in the file system.",
    ],
    [["--socket", "/nowhere/kms.sock"], "There is no socket /nowhere/kms.sock.", "Start the KMS plugin first."],
    [["--socket", "/dev/null"], "/dev/null is no Unix stream socket.", "Name the socket on which the KMS plugin listens."],
  ])("%j", async (words, sentence, hint) => {
    const given = words.includes("--out") ? words : [...words, "--out", out];
    expect(await bench(...given)).toEqual({ code: 2, stdout: "", stderr: `kmsmark: ${sentence}\n  ${hint}\n` });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("all faults at once", async () => {
    const { stderr } = await bench("--secrets", "0,5", "--rate", "-1", "--providers", "kms-v3");
    expect(stderr).toContain(
      'kmsmark: --secrets takes a whole number from 1 to 100000; The provider "kms-v3" is none of identity, kms-v2, kms-v1, aescbc, aesgcm, ' +
        "secretbox; --rate takes requests a second above 0, at most 1000000: one (200), from..to (100..1000), or several (100,200,400).\n",
    );
  });

  it("a target that needs to be told more", async () => {
    expect(await callCli(["bench", "--target", "attached", "--out", out])).toEqual({
      code: 2,
      stdout: "",
      stderr: "kmsmark: The target attached needs to know which control plane.\n  Give a kubeconfig with --kubeconfig.\n",
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("folders that cannot be used", () => {
  it("an --out that holds something is left as it is", async () => {
    mkdirSync(out);
    writeFileSync(join(out, "mine"), "");
    const answer = await bench(...little, "--out", out);
    expect([answer.code, answer.stdout, lastWords(answer)]).toEqual([
      2,
      "",
      `kmsmark: The folder ${out} of --out is not empty.\n  Name a new folder or an empty one.\n`,
    ]);
    expect([readdirSync(folder), readdirSync(out)]).toEqual([["run"], ["mine"]]);
  });

  it("an --out below a file", async () => {
    writeFileSync(join(folder, "file"), "");
    const answer = await bench(...little, "--out", join(folder, "file", "run"));
    expect([answer.code, answer.stdout, lastWords(answer)]).toEqual([
      2,
      "",
      `kmsmark: A part of the path ${join(folder, "file", "run")} is not a folder.\n  Name another folder.\n`,
    ]);
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  const hint = "Set TMPDIR to a folder that you may write and that has space.";
  it.each([
    ["is a file", "file", /^kmsmark: The scratch folder .*\/file\/kmsmark-\d+ cannot be used: ENOTDIR: /, hint],
    ["is not there", "gone", /^kmsmark: The scratch folder .*\/gone\/kmsmark-\d+ cannot be used: ENOENT: /, hint],
    // Node's own way of making a folder and those above it never ends there.
    ["takes no entries", "/proc/nowhere", /^kmsmark: The scratch folder \/proc\/nowhere\/kmsmark-\d+ cannot be used: E/, hint],
    [
      "has a path too long for the sockets in it",
      "d".repeat(80),
      /^kmsmark: The path of the scratch folder .*\/d{80}\/kmsmark-\d+ is too long for sockets in it, whose paths have at most 107 bytes\.\n/,
      "Set TMPDIR to a folder with a shorter path.",
    ],
  ])("a TMPDIR that %s, and no run folder stays", async (_, name, sentence, advice) => {
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "d".repeat(80)));
    process.env["TMPDIR"] = name.startsWith("/") ? name : join(folder, name);
    const answer = await bench(...little, "--out", out);
    expect([answer.code, answer.stdout]).toEqual([2, ""]);
    expect(lastWords(answer)).toMatch(sentence);
    expect(lastWords(answer).split("\n").slice(1)).toEqual([`  ${advice}`, ""]);
    expect(readdirSync(folder).toSorted()).toEqual(["d".repeat(80), "file"]);
  });
});
