import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CliFolder } from "../cli-process.ts";
import { population } from "../load/population.ts";
import { readRun } from "../run/read-run.ts";
import { describeReal } from "../target/real-test.ts";

let folder: CliFolder;
beforeEach(() => {
  folder = new CliFolder();
});
afterEach(() => folder[Symbol.dispose]());

const bench = ["bench", "--target", "processes", "--out", "run", "--secrets", "60", "--rate", "40", "--providers", "kms-v1"] as const;

function expectNothingLeft(): void {
  expect([folder.leases(), folder.processes()]).toEqual([[], []]);
}

await describeReal("processes", "faults of a run on kube-apiserver as processes", () => {
  it("a plugin that hangs: it says what kube-apiserver complains of", async () => {
    const path = join(folder.path, "hang.sock");
    const server = createServer(() => {}).listen(path);
    try {
      const { code, stderr } = await folder.run(...bench, "--socket", path);
      expect(code).toBe(2);
      expect(stderr).toMatch(/kmsmark: kube-apiserver runs but is not ready after 60 s; it answers: .*kms-provider-0/);
      expect(await readRun(join(folder.path, "run"))).toMatchObject({ status: "failed" });
      expectNothingLeft();
    } finally {
      server.close();
    }
  });

  it("a gate that kube-apiserver does not know: the last lines of its log are shown", async () => {
    const { code, stderr } = await folder.run(...bench, "--feature-gates", "NoSuchGate=true");
    expect(code).toBe(2);
    expect(stderr).toMatch(/unrecognized feature gate: NoSuchGate/);
    expectNothingLeft();
  });

  it.each(["start", "write"])("Ctrl-C in the phase %s: nothing is left", async (phase) => {
    const { child, ended } = folder.start(...bench);
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
});
