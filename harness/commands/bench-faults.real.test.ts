import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { CliFolder, type Ended } from "../cli-process.ts";
import { population } from "../load/population.ts";
import { readRun } from "../run/read-run.ts";
import { dockerApi } from "../target/install/index.ts";
import { describeReal } from "../target/real-test.ts";

let folder: CliFolder;
beforeEach(() => {
  folder = new CliFolder();
});
afterEach(() => folder[Symbol.dispose]());

const asFastAsItGoes = ["bench", "--target", "processes", "--out", "run", "--secrets", "60", "--providers", "kms-v1", "--closed-loop"];
const bench = ["bench", "--target", "processes", "--out", "run", "--secrets", "60", "--rate", "40", "--providers", "kms-v1"] as const;

function expectNothingLeft(): void {
  expect([folder.leases(), folder.processes()]).toEqual([[], []]);
}

await describeReal("processes", "faults of a run on kube-apiserver as processes", () => {
  // It takes a minute of waiting, in which the others run; the last of them looks at how it ended.
  const hanging = { folder: new CliFolder(), server: createServer(() => {}), ended: Promise.withResolvers<Ended>() };
  beforeAll(() => {
    const path = join(hanging.folder.path, "hang.sock");
    hanging.server.listen(path, () => hanging.ended.resolve(hanging.folder.run(...bench, "--socket", path)));
  });
  afterAll(() => {
    hanging.server.close();
    hanging.folder[Symbol.dispose]();
  });

  it("a gate that kube-apiserver does not know: the last lines of its log are shown", async () => {
    const { code, stderr } = await folder.run(...bench, "--feature-gates", "NoSuchGate=true");
    expect(code).toBe(2);
    expect(stderr).toMatch(/unrecognized feature gate: NoSuchGate/);
    expectNothingLeft();
  });

  it.each(["start", "write", "restart"])("Ctrl-C in the phase %s: nothing is left", async (phase) => {
    const words = phase === "restart" ? asFastAsItGoes : bench;
    const { child, ended } = folder.start(...words);
    expect(await folder.journalSays("run", new RegExp(`"phase-started","name":"${phase}"`), ended)).toBe(true);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    expectNothingLeft();
    expect(await readRun(join(folder.path, "run"))).toMatchObject({ status: "interrupted" });
  });

  it("kill -9: the next start ends etcd, kube-apiserver and the plugin", async () => {
    const { child, ended } = folder.start(...bench);
    expect(await folder.journalSays("run", /"phase-started","name":"write"/, ended)).toBe(true);
    child.kill("SIGKILL");
    await ended;
    expect(folder.processes()).toHaveLength(3);
    const next = await folder.run("bench", "--target", "embedded", "--secrets", "1", "--providers", "identity", "--closed-loop");
    expect(next).toMatchObject({ code: 0 });
    expectNothingLeft();
  });

  it("a plugin that dies in the middle: the requests that failed and the counts that differ are told", async () => {
    const words = ["bench", "--target", "processes", "--out", "run", "--secrets", "12", "--rate", "20", "--providers", "kms-v1"];
    // With one DEK in the cache, every delete but of the last Secret needs a Decrypt.
    const { ended } = folder.start(...words, "--cachesize", "1");
    expect(await folder.journalSays("run", /"phase-started","name":"delete"/, ended)).toBe(true);
    const [plugin] = folder.held().processes;
    expect(plugin).toBeDefined();
    if (plugin !== undefined) process.kill(plugin, "SIGKILL");
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(1);
    const told = stdout.replaceAll(/\s+/g, " ");
    expect(told).toMatch(/✗ kms-v1, 12 secrets: \d+ of 12 requests of the phase delete failed\. Most often: 500 Internal error/);
    expect(told).toMatch(/✗ kms-v1, 12 secrets: The counts do not agree in the phase delete: Decrypt calls/);
    expectNothingLeft();
  });

  it("two runs at once do not disturb each other", async () => {
    const words = ["bench", "--target", "processes", "--secrets", "6", "--closed-loop", "--providers", "kms-v2"];
    const both = await Promise.all([folder.run(...words, "--out", "one"), folder.run(...words, "--out", "two")]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expectNothingLeft();
  });

  it("no value of a Secret and no credential is in anything that a run leaves", async () => {
    const quick = [
      "bench",
      "--target",
      "processes",
      "--out",
      "run",
      "--secrets",
      "12",
      "--closed-loop",
      "--seed",
      "leak",
      "--providers",
      "kms-v2",
    ];
    expect(await folder.run(...quick)).toMatchObject({ code: 0 });
    const secrets = population({ secrets: 12, seed: "leak" });
    const files = [
      "journal.jsonl",
      "result.json",
      "report.html",
      "summary.md",
      "junit.xml",
      "phases.csv",
      "samples/requests.csv",
      "samples/kms-calls.csv",
    ];
    const left = files.map((name) => readFileSync(join(folder.path, "run", name), "utf8")).join("\n");
    // Shorter ones are words such as "false", which stand everywhere.
    const values = Array.from({ length: 12 }, (_, index) => [...secrets.at(index).data.values()])
      .flat()
      .filter(({ length }) => length >= 12);
    expect(values.length).toBeGreaterThan(10);
    const shown = values.filter((value) => {
      const bytes = Buffer.from(value);
      return [bytes.toString("latin1"), bytes.toString("base64")].some((text) => left.includes(text.slice(0, 200)));
    });
    expect(shown.length).toBe(0);
  });

  it("a plugin that hangs: it says what kube-apiserver complains of", async () => {
    const { code, stderr } = await hanging.ended.promise;
    expect(code).toBe(2);
    expect(stderr).toMatch(/kmsmark: kube-apiserver runs but is not ready after 60 s; it answers: .*kms-provider-0/);
    expect(await readRun(join(hanging.folder.path, "run"))).toMatchObject({ status: "failed" });
    expect([hanging.folder.leases(), hanging.folder.processes()]).toEqual([[], []]);
  });
});

await describeReal("containers", "faults of a run on kube-apiserver in containers", () => {
  const inContainers = ["bench", "--target", "containers", "--out", "run", "--secrets", "60", "--rate", "40", "--providers", "kms-v1"];

  async function containersLeft(names: readonly string[]): Promise<string[]> {
    const engine = await dockerApi();
    if (!("api" in engine)) throw new Error(engine.reason);
    const all = await engine.api.listContainers({ all: true });
    return names.filter((name) => all.some(({ Names }) => Names.includes(`/${name}`)));
  }

  it("Ctrl-C in the phase write: no container is left", async () => {
    const { child, ended } = folder.start(...inContainers);
    expect(await folder.journalSays("run", /"phase-started","name":"write"/, ended)).toBe(true);
    const { containers } = folder.held();
    expect(await containersLeft(containers)).toHaveLength(2);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    expect(await containersLeft(containers)).toEqual([]);
    expectNothingLeft();
  });

  it("kill -9: the next start removes the containers and the plugin", async () => {
    const { child, ended } = folder.start(...inContainers);
    expect(await folder.journalSays("run", /"phase-started","name":"write"/, ended)).toBe(true);
    const { containers } = folder.held();
    child.kill("SIGKILL");
    await ended;
    expect(await containersLeft(containers)).toHaveLength(2);
    const next = await folder.run("bench", "--target", "embedded", "--secrets", "1", "--providers", "identity", "--closed-loop");
    expect(next).toMatchObject({ code: 0 });
    expect(await containersLeft(containers)).toEqual([]);
    expectNothingLeft();
  });
});
