import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callCli } from "../cli-call.ts";
import { CliFolder, type Ended } from "../cli-process.ts";
import { readRun } from "../run/read-run.ts";
import { BinaryCache } from "../target/install/cache.ts";
import { defaultVersions } from "../target/install/index.ts";
import { architectureOf } from "../target/install/way.ts";

const embedded = ["bench", "--target", "embedded", "--out", "run"] as const;
const little = ["--secrets", "6", "--closed-loop"] as const;
/** Long enough to be interrupted in. */
const slow = [...embedded, "--secrets", "60", "--rate", "40", "--providers", "kms-v1"] as const;

function expectNothingLeft(folder: CliFolder): void {
  expect([folder.leases(), folder.processes()]).toEqual([[], []]);
}

/** What a command that could not run wrote last: one sentence, and the hint behind it if there is one. */
function lastWords({ stderr }: Ended): string {
  return stderr.slice(stderr.lastIndexOf("kmsmark: "));
}

const runOf = (folder: CliFolder) => readRun(join(folder.path, "run"));
/** What `kmsmark report` makes of the run. */
const report = (folder: CliFolder, run = "run") => callCli(["report", join(folder.path, run)]);

describe.concurrent("a plugin that does not do its part", () => {
  it("dies in the middle: the run goes on, tells the requests that failed and the counts that differ, and exits with 1", async () => {
    using folder = new CliFolder();
    // With one DEK in the cache, every delete but of the last Secret needs a Decrypt.
    const { ended } = folder.start(...embedded, "--secrets", "8", "--rate", "4", "--providers", "kms-v1", "--cachesize", "1");
    // The reads before the deletes need none: the API server has what it read at its start.
    expect(await folder.journalSays("run", /"phase-started","name":"cold"/, ended)).toBe(true);
    const [pid] = folder.held().processes;
    expect(pid).toBeDefined();
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(1);
    const told = stdout.replaceAll(/\s+/g, " ");
    expect(told).toMatch(/✗ kms-v1, 8 secrets: \d+ of 8 requests of the phase delete failed\. Most often: 500 Internal error/);
    expect(told).toMatch(/✗ kms-v1, 8 secrets: The counts do not agree in the phase delete: Decrypt calls/);
    expect((await runOf(folder)).status).toBe("complete");
    expectNothingLeft(folder);
    expect(await report(folder)).toMatchObject({ code: 0, stdout });
  });

  it("hangs: Ctrl-C ends the wait for the API server", async () => {
    using folder = new CliFolder();
    const path = join(folder.path, "hang.sock");
    const server = createServer(() => {}).listen(path);
    try {
      const { child, ended } = folder.start(...embedded, ...little, "--providers", "kms-v2", "--socket", path);
      expect(await folder.journalSays("run", /"phase-started","name":"start"/, ended)).toBe(true);
      child.kill("SIGINT");
      expect([(await ended).code, lastWords(await ended)]).toEqual([130, "kmsmark: interrupted.\n"]);
      expect(await runOf(folder)).toMatchObject({ status: "interrupted", cells: [{ fault: "Interrupted.", phases: [] }] });
      expectNothingLeft(folder);
    } finally {
      server.close();
    }
  });
});

describe.concurrent("what is not there", () => {
  /** A folder with a cache of its own; nobody listens on that port. */
  const bareFolder = (): CliFolder => {
    const folder = new CliFolder({ DOCKER_HOST: "tcp://127.0.0.1:1" });
    folder.environment["KMSMARK_CACHE"] = join(folder.path, "cache");
    return folder;
  };

  it("no Docker engine: the target containers is refused, and nothing is begun", async () => {
    using folder = bareFolder();
    const ended = await folder.run("bench", "--target", "containers", "--out", "run");
    expect(ended).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "kmsmark: The target containers cannot be used: no Docker engine answers at DOCKER_HOST.\n" +
        "  This changes it: sudo apt-get install -y docker.io\n",
    });
    expect(existsSync(join(folder.path, "run"))).toBe(false);
    expectNothingLeft(folder);
  });

  it("no Docker engine and no binaries: auto takes the embedded target and says first why, and what would change it", async () => {
    using folder = bareFolder();
    const { code, stderr } = await folder.run("bench", ...little, "--providers", "identity", "--out", "run");
    expect(code, stderr).toBe(0);
    expect(stderr.split("\n")[0]).toBe(
      "Target: embedded – a model of the API server inside kmsmark, not a real kube-apiserver. " +
        "Not containers: no Docker engine answers at DOCKER_HOST; processes: kube-apiserver v1.37.2 and etcd v3.7.3 are not installed. " +
        "To change that: npm run kmsmark -- install --kubernetes v1.37.2 --etcd v3.7.3",
    );
    expect((await runOf(folder)).header.target?.refused.map(({ kind }) => kind)).toEqual(["containers", "processes"]);
    expectNothingLeft(folder);
  });

  it("an etcd that does not come up: the last lines of its log are shown, and the run can be reported", async () => {
    using folder = bareFolder();
    await cacheProgram(folder, "etcd", "#!/bin/sh\necho one\necho panic: freepages >&2\nexit 3\n");
    await cacheProgram(folder, "kube-apiserver", "#!/bin/sh\nexit 1\n");
    const ended = await folder.run("bench", "--target", "processes", ...little, "--providers", "identity", "--out", "run");
    const sentence = "etcd ended (exit code 3) before it was ready.\nThe last lines of its log:\n  one\n  panic: freepages";
    expect([ended.code, lastWords(ended)]).toEqual([2, `kmsmark: ${sentence}\n`]);
    expect(await runOf(folder)).toMatchObject({ status: "failed", fault: sentence });
    expect(await report(folder)).toMatchObject({ code: 0, stdout: ended.stdout });
    expectNothingLeft(folder);
  });

  async function cacheProgram(folder: CliFolder, name: "etcd" | "kube-apiserver", source: string): Promise<void> {
    const cache = new BinaryCache(join(folder.path, "cache"), architectureOf(process.arch));
    await cache.create();
    const made = join(folder.path, name);
    mkdirSync(made);
    writeFileSync(join(made, name), source);
    const version = name === "etcd" ? defaultVersions.etcdVersion : defaultVersions.kubernetesVersion;
    await cache.keep({ name, version }, made, { way: "release", source: "a test" });
  }
});

/** Runs the command where `disk` is a file system of its own, which vanishes with the command; what lies on it is copied to `kept`. */
function runOnDisk(folder: CliFolder, mountOptions: string, ...words: readonly string[]): Promise<Ended> {
  const script = `mkdir disk kept && mount -t tmpfs -o ${mountOptions} tmpfs disk && "$@"; code=$?; cp -r disk/. kept; exit $code`;
  const run = folder.startWithin([...unshare, "sh", "-c", script, "sh"], "bench", "--target", "embedded", "--out", "disk/run", ...words);
  return run.ended;
}
const unshare = ["unshare", "--map-root-user", "--mount"] as const;
const canMount = spawnSync(unshare[0], [...unshare.slice(1), "true"]).status === 0;

describe.skipIf(!canMount)("a disk (skipped where this user may mount none)", { concurrent: true }, () => {
  it("that is full: one sentence, the figures all the same, and the run as far as it was kept can be reported", async () => {
    using folder = new CliFolder();
    const ended = await runOnDisk(folder, "size=32k", ...little, "--providers", "kms-v2");
    expect([ended.code, lastWords(ended)]).toEqual([
      2,
      "kmsmark: The disk is full: disk/run/result.json could not be written.\n  Make room on it, or use a folder on another disk.\n",
    ]);
    expect(ended.stdout).toContain("✗ The disk is full: disk/run/journal.jsonl could not be written.");
    expect(ended.stdout).toContain("6 of 6 envelopes conform");
    expectNothingLeft(folder);
    const reported = await report(folder, "kept/run");
    expect(reported.code).toBe(0);
    expect(reported.stdout).toMatch(/✗ The run was cut off (in the phase|between two phases)/);
  });
});

describe.concurrent("an end before the end", () => {
  it.each([
    ["SIGINT", "the plugin's start", /"cell-started"/, slow],
    ["SIGINT", "the phase write", /"phase-started","name":"write"/, slow],
    ["SIGTERM", "the phase restart", /"phase-started","name":"restart"/, [...embedded, "--secrets", "6", "--providers", "kms-v1,kms-v2"]],
  ] as const)("%s in %s: 130, the partial run kept, nothing left", async (signal, _, moment, words) => {
    using folder = new CliFolder();
    const { child, ended } = folder.start(...words);
    expect(await folder.journalSays("run", moment, ended)).toBe(true);
    child.kill(signal);
    expect([(await ended).code, lastWords(await ended)]).toEqual([130, "kmsmark: interrupted.\n"]);
    expectNothingLeft(folder);
    expect(await runOf(folder)).toMatchObject({ status: "interrupted" });
    expect(readdirSync(join(folder.path, "run"))).toContain("report.html");
    expect(await report(folder)).toMatchObject({ code: 0, stdout: (await ended).stdout });
  });

  it("whoever reads the progress goes away: 130, the partial run kept, nothing left", async () => {
    using folder = new CliFolder();
    const { child, ended } = folder.start(...slow);
    expect(await folder.journalSays("run", /"phase-started","name":"start"/, ended)).toBe(true);
    child.stderr?.destroy();
    expect((await ended).code).toBe(130);
    expect(await runOf(folder)).toMatchObject({ status: "interrupted" });
    expectNothingLeft(folder);
  });

  it("kill -9: the next start removes what was left, and the run can be reported", async () => {
    using folder = new CliFolder();
    const { child, ended } = folder.start(...slow);
    expect(await folder.journalSays("run", /"phase-started","name":"write"/, ended)).toBe(true);
    child.kill("SIGKILL");
    await ended;
    expect([folder.leases().length, folder.processes().length]).toEqual([1, 1]);
    const next = await folder.run("bench", "--target", "embedded", "--secrets", "1", "--providers", "identity", "--closed-loop");
    expect(next.code, next.stderr).toBe(0);
    expectNothingLeft(folder);
    const reported = await report(folder);
    expect(reported.code).toBe(0);
    expect(reported.stdout).toContain("✗ The run was cut off in the phase write of kms-v1, 60 secrets.");
  });

  it("two runs at once do not disturb each other", async () => {
    using folder = new CliFolder();
    const words = ["bench", "--target", "embedded", ...little, "--providers", "kms-v2"];
    const both = await Promise.all([folder.run(...words, "--out", "one"), folder.run(...words, "--out", "two")]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expectNothingLeft(folder);
  });
});
