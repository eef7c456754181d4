import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliFolder } from "../cli-process.ts";
import { readRun } from "../run/read-run.ts";

let folder: CliFolder;
beforeEach(() => {
  folder = new CliFolder();
});
afterEach(() => folder[Symbol.dispose]());

const embedded = ["bench", "--target", "embedded", "--out", "run"] as const;
/** Long enough to be interrupted in. */
const slow = [...embedded, "--secrets", "60", "--rate", "40", "--providers", "kms-v1"] as const;

function expectNothingLeft(): void {
  expect([folder.leases(), folder.processes()]).toEqual([[], []]);
}

/** The one sentence, and the hint behind it if there is one, that a command ends with when it could not run. */
function lastWords(stderr: string): string {
  return stderr.slice(stderr.lastIndexOf("kmsmark: "));
}

describe("words that cannot be", () => {
  it.each([
    [["--secrets", "0"], "--secrets takes a whole number from 1 to 100000."],
    [["--secrets", "-1"], "--secrets takes a whole number from 1 to 100000."],
    [["--secrets", "NaN,50"], "--secrets takes a whole number from 1 to 100000."],
    [["--secrets", "1e30"], "--secrets takes a whole number from 1 to 100000."],
    [["--secrets", ","], "--secrets takes at least one number."],
    [["--providers", "kms-v3"], 'The provider "kms-v3" is none of identity, kms-v2, kms-v1, aescbc, aesgcm, secretbox.'],
    [["--rate", "0"], "--rate takes a number above 0, at most 100000."],
    [["--in-flight", "0.5"], "--in-flight takes a whole number from 1 to 4096."],
    [["--cachesize", "0"], "--cachesize takes a whole number from 1 to 2147483647."],
    [["--feature-gates", "A=maybe"], '--feature-gates takes Name=true or Name=false, not "A=maybe".'],
    [["--kubernetes", "latest"], '"latest" is not a version of Kubernetes.'],
    [["--kubernetes", "v1.20.0"], "Kubernetes v1.20.0 is not supported: kmsmark runs v1.29 and later."],
    [["--socket", `unix:///${"x".repeat(120)}`], "has 121 bytes; a Unix socket's has at most 107."],
    [["--socket", "unix:///@abstract"], "names an abstract socket, which kmsmark cannot use."],
    [["--target", "attached"], "The target attached needs to know which control plane."],
    [["--target", "moon"], "Invalid values"],
    [["--no-such-option"], "Unknown argument"],
  ])("%j", async (words, sentence) => {
    const { code, stderr, stdout } = await folder.run("bench", ...words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(lastWords(stderr)).toContain(sentence);
    expectNothingLeft();
  });

  it("are all named at once", async () => {
    const { stderr } = await folder.run("bench", "--secrets", "0", "--rate", "-1");
    expect(lastWords(stderr)).toContain("--secrets takes a whole number from 1 to 100000; --rate takes a number above 0, at most 100000.");
  });
});

describe("surroundings that do not fit", () => {
  it("an --out that holds something", async () => {
    mkdirSync(join(folder.path, "run"));
    writeFileSync(join(folder.path, "run", "mine"), "");
    const { code, stderr } = await folder.run(...embedded, "--secrets", "1");
    expect([code, lastWords(stderr)]).toEqual([
      2,
      "kmsmark: The folder run of --out is not empty.\n  Name a new folder or an empty one.\n",
    ]);
    expect(readdirSync(join(folder.path, "run"))).toEqual(["mine"]);
    expectNothingLeft();
  });

  it("an --out that cannot be written", async () => {
    writeFileSync(join(folder.path, "file"), "");
    const { code, stderr } = await folder.run("bench", "--target", "embedded", "--secrets", "1", "--out", "file/run");
    expect(code).toBe(2);
    expect(lastWords(stderr)).toContain("file/run");
    expectNothingLeft();
  });

  it("a --socket that nobody listens on", async () => {
    const { code, stderr } = await folder.run(
      ...embedded,
      "--secrets",
      "1",
      "--providers",
      "kms-v2",
      "--socket",
      join(folder.path, "none.sock"),
    );
    expect(code).toBe(2);
    expect(lastWords(stderr)).toMatch(/^kmsmark: There is no socket .*none\.sock\.\n {2}Start the KMS plugin first\.\n$/);
    expectNothingLeft();
  });

  it("no binaries and no Docker engine: auto takes the embedded target and says so first", async () => {
    using bare = new CliFolder({ KMSMARK_CACHE: join(folder.path, "cache"), PATH: "/nonexistent" });
    const { code, stderr } = await bare.run(
      "bench",
      "--secrets",
      "3",
      "--closed-loop",
      "--providers",
      "identity",
      "--kubernetes",
      "v1.36.99",
    );
    expect(code, stderr).toBe(0);
    expect(stderr.split("\n").find((line) => line.startsWith("Target: "))).toMatch(
      /^Target: embedded – a model of the API server inside kmsmark, not a real kube-apiserver\. Not containers: .*; processes: .* To change that: /,
    );
  });
});

describe("a plugin that does not do its part", { timeout: 90_000 }, () => {
  it("dies in the middle: the writes that fail are told, and the run ends with 1 or 2", async () => {
    const { child, ended } = folder.start(...slow);
    expect(await folder.journalSays("run", /"phase-started","name":"write"/, ended)).toBe(true);
    for (const pid of folder.held().processes) process.kill(pid, "SIGKILL");
    // Every further write waits for the API server's deadline of 3 s; the run is ended when the first has failed.
    expect(await folder.journalSays("run", /"phase-started","name":"read"/, ended)).toBe(true);
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    const { cells } = await readRun(join(folder.path, "run"));
    const write = cells[0]?.phases.find(({ name }) => name === "write");
    expect(write?.requests.failed).toBeGreaterThan(0);
    expect(write?.failures[0]?.message).toMatch(/rpc error/);
    expectNothingLeft();
  });
});

describe("an end before the end", { timeout: 60_000 }, () => {
  it.each(["start", "write", "restart"])("Ctrl-C in the phase %s: 130, the partial run kept, nothing left", async (phase) => {
    const { child, ended } = folder.start(
      ...(phase === "restart" ? [...embedded, "--secrets", "6", "--providers", "kms-v1,kms-v2"] : slow),
    );
    expect(await folder.journalSays("run", new RegExp(`"phase-started","name":"${phase}"`), ended)).toBe(true);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect([code, lastWords(stderr)]).toEqual([130, "kmsmark: interrupted.\n"]);
    expectNothingLeft();
    expect(await readRun(join(folder.path, "run"))).toMatchObject({ status: "interrupted" });
    expect(readdirSync(join(folder.path, "run"))).toContain("report.html");
  });

  it("kill -9: the next start removes what was left, and the run can be reported", async () => {
    const { child, ended } = folder.start(...slow);
    expect(await folder.journalSays("run", /"phase-started","name":"write"/, ended)).toBe(true);
    child.kill("SIGKILL");
    await ended;
    expect(folder.leases()).toHaveLength(1);
    expect(folder.processes()).toHaveLength(1);
    expect(await folder.run("bench", "--target", "embedded", "--secrets", "1", "--providers", "identity", "--closed-loop")).toMatchObject({
      code: 0,
    });
    expectNothingLeft();
    const report = await folder.run("report", "run");
    expect(report.code).toBe(0);
    expect(report.stdout).toContain("cut off");
    expect(report.stdout).toContain("write");
  });

  it("two runs at once do not disturb each other", async () => {
    const words = ["bench", "--target", "embedded", "--secrets", "6", "--closed-loop", "--providers", "kms-v2"];
    const both = await Promise.all([folder.run(...words, "--out", "one"), folder.run(...words, "--out", "two")]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expectNothingLeft();
  });
});
