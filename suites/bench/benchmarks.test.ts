import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cell, Result } from "../../harness/run/schema.ts";
import { verdicts, workCalls } from "../../harness/run/verdict.ts";
import { type RunningPlugin, startPlugin } from "../../plugins/index.ts";
import type { BenchOptions, ControlPlaneBenchmark } from "./benchmark.ts";
import { churn } from "./churn.ts";
import { list } from "./list.ts";
import { measuredRun, unnamedIn } from "./measured-run.ts";
import { parallelList } from "./parallel-list.ts";
import { read } from "./read.ts";
import { size } from "./size.ts";
import { v1VsV2 } from "./v1-vs-v2.ts";
import { write } from "./write.ts";

// One plugin for all of them: each that is started costs as much as a run.
let folder: string;
let plugin: RunningPlugin;
const pluginSocket = () => join(folder, "kms.sock");
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-bench-"));
  plugin = await startPlugin({
    socket: pluginSocket(),
    provider: { name: "local", keyFile: join(folder, "keys.json") },
    log: pino({ level: "silent" }),
  });
});
afterAll(async () => {
  await plugin[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function run(benchmark: ControlPlaneBenchmark, options: Partial<BenchOptions> = {}): Promise<Result> {
  const result = await measuredRun(
    "embedded",
    { secrets: [4], providers: ["kms-v2", "kms-v1"], pluginSocket: pluginSocket(), load: { model: "closed", inFlight: 2 }, ...options },
    benchmark,
  );
  expect(unnamedIn(result, benchmark)).toEqual([]);
  return result;
}

/** `kms-v1 write: Encrypt 4` for each phase, from the taps. */
function callsOf({ cells }: Result): string[] {
  const words = cells.flatMap(({ provider, phases }) =>
    phases.map((phase) => `${provider} ${phase.name}: Encrypt ${workCalls(phase, "Encrypt")}, Decrypt ${workCalls(phase, "Decrypt")}`),
  );
  return [...new Set(words)].toSorted();
}

/** Nothing is wrong, every request succeeded, and there is an answer of at most two sentences. */
function expectSound(result: Result, benchmark: string): void {
  expect(verdicts(result).sentences.filter(({ isFault }) => isFault)).toEqual([]);
  for (const { phases } of result.cells) {
    expect(phases.length).toBeGreaterThan(0);
    for (const { requests } of phases) expect(requests).toMatchObject({ ok: requests.due, failed: 0, dropped: 0 });
  }
  expect(result.findings.length).toBeGreaterThan(0);
  for (const finding of result.findings) {
    expect(finding.benchmark).toBe(benchmark);
    expect(finding.text.split(/\. (?=[A-Z])/).length).toBeLessThanOrEqual(2);
    expect(finding.text).not.toMatch(/nothing|NaN|undefined/);
  }
}

const nameOf = ({ provider, round, parameters }: Cell) => [provider, round, ...Object.values(parameters)].join(" ");

describe("the benchmarks on the embedded target", () => {
  it("write: every provider in every round, the stored values right each time", async () => {
    const result = await run(write, { providers: ["identity", "kms-v1"], rounds: 2 });
    expectSound(result, "write");
    expect(result.cells.map(nameOf).toSorted()).toEqual(["identity 1", "identity 2", "kms-v1 1", "kms-v1 2"]);
    expect(result.cells.map(({ envelopes }) => envelopes?.right)).toEqual([4, 4, 4, 4]);
    expect(callsOf(result)).toEqual(["identity write: Encrypt 0, Decrypt 0", "kms-v1 write: Encrypt 4, Decrypt 0"]);
    expect(result.findings[0]?.text).toMatch(
      /^A create takes \S+ ms under identity .* 1 KMS calls each\); medians of 2 rounds with 4 Secrets\.$/,
    );
  });

  it("read: from etcd a Decrypt each where KMS v1's cache is too small, from the watch cache none", async () => {
    const result = await run(read, { providers: ["kms-v1"], cacheSize: 1 });
    expectSound(result, "read");
    expect(callsOf(result)).toEqual(["kms-v1 cached: Encrypt 0, Decrypt 0", "kms-v1 read: Encrypt 0, Decrypt 4"]);
  });

  it("list: no call of the KMS, whatever is asked for", async () => {
    const result = await run(list, { providers: ["kms-v1"], cacheSize: 1 });
    expectSound(result, "list");
    expect(callsOf(result)).toEqual(["kms-v1 cached: Encrypt 0, Decrypt 0", "kms-v1 list: Encrypt 0, Decrypt 0"]);
  });

  it("churn: all that changes is seen by all watchers, in rounds that do not run into one another", async () => {
    const result = await run(churn, { providers: ["aesgcm"], rounds: 2, own: { watchers: "3" } });
    expectSound(result, "churn");
    // Four updates, two creates and two deletes, three watchers.
    const figures = result.cells.flatMap(({ phases }) => phases.map((phase) => phase.figures));
    expect(figures.map(({ events, eventsMissing }) => [events, eventsMissing])).toEqual([
      [24, 0],
      [24, 0],
    ]);
  });

  it("v1-vs-v2: the KMS as slow as it is said to be, a Decrypt for each Secret or for none in a restart", async () => {
    const result = await run(v1VsV2, { kmsLatenciesMs: [0, 30] });
    expectSound(result, "v1-vs-v2");
    expect(result.cells.map(nameOf).toSorted()).toEqual(["kms-v1 1 0", "kms-v1 1 30", "kms-v2 1 0", "kms-v2 1 30"]);
    expect(callsOf(result).filter((words) => !words.includes("cold"))).toEqual([
      "kms-v1 restart: Encrypt 0, Decrypt 4",
      "kms-v1 write: Encrypt 4, Decrypt 0",
      "kms-v2 restart: Encrypt 1, Decrypt 1",
      "kms-v2 write: Encrypt 0, Decrypt 0",
    ]);
    const slow = result.cells.filter(({ parameters }) => parameters["kmsLatencyMs"] === 30);
    const calls = slow.flatMap(({ phases }) => phases.flatMap(({ kms }) => Object.values(kms ?? {})));
    expect(calls.length).toBeGreaterThan(0);
    for (const { latency } of calls) expect(latency?.min).toBeGreaterThan(29e6);
  });

  it("size: what each format adds to a value is what the specification says", async () => {
    const result = await run(size, { providers: ["identity", "kms-v2", "kms-v1", "aesgcm"], secrets: [2], own: { sizes: "64,1Ki" } });
    expectSound(result, "size");
    for (const { provider, phases } of result.cells) {
      const { overheadBytes = -1, edekBytes = 0, keyIdBytes = 0, annotationBytes = 0 } = phases[0]?.figures ?? {};
      // Prefix, nonce and tag (spec encryption-at-rest 1.2, 2.4 and 3); of KMS v2 also the info of its seed and the fields' own bytes.
      if (provider === "identity") expect(overheadBytes).toBe(0);
      else if (provider === "aesgcm") expect(overheadBytes).toBe("k8s:enc:aesgcm:v1:key1:".length + 12 + 16);
      else if (provider === "kms-v1") expect(overheadBytes).toBe("k8s:enc:kms:v1:kmsmark:".length + 2 + edekBytes + 12 + 16);
      else expect(overheadBytes).toBeGreaterThan("k8s:enc:kms:v2:kmsmark:".length + 32 + 28 + edekBytes + keyIdBytes + annotationBytes);
    }
    expect(new Set(result.cells.map(({ parameters }) => parameters["secretBytes"]))).toEqual(new Set([64, 1024]));
  });

  it("parallel-list: each list reads every value from the store", async () => {
    const result = await run(parallelList, { providers: ["kms-v2"], own: { parallel: "1,3" } });
    expectSound(result, "parallel-list");
    expect(result.cells.map(({ phases }) => phases[0]?.load)).toEqual([
      { model: "closed", inFlight: 1 },
      { model: "closed", inFlight: 3 },
    ]);
    expect(result.findings[0]?.text).toContain("4 values read each");
  });
});
