import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { systemClock as clock } from "../../harness/clock.ts";
import { kmsV2Service } from "../../harness/kms/messages.ts";
import { Lease } from "../../harness/lease.ts";
import { startNullKmsServer } from "../../harness/load/null-kms-server.ts";
import { localProvider } from "../../harness/plugin-process.ts";
import { Display } from "../../harness/run/display.ts";
import { clockResolutionNs, machineFacts } from "../../harness/run/machine.ts";
import { Progress } from "../../harness/run/progress.ts";
import { createRunFolder } from "../../harness/run/run-folder.ts";
import { benchProviders, type Result } from "../../harness/run/schema.ts";
import { defaultVersions } from "../../harness/target/install/index.ts";
import { benchDefaults, type PluginBenchmark } from "./benchmark.ts";
import { codec } from "./codec.ts";
import { plugin } from "./plugin.ts";
import { pluginUnary } from "./plugin-unary.ts";

/** Runs a benchmark that needs no control plane in a folder that is removed again. */
async function run(
  benchmark: PluginBenchmark,
  own: Readonly<Record<string, string>>,
  serve?: (folder: string) => Promise<AsyncDisposable & { socket: string }>,
): Promise<Result> {
  const parent = await mkdtemp(join(tmpdir(), "kmsmark-run-"));
  await using _parent = { [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
  await using lease = Lease.take("test", async () => {});
  await using server = await serve?.(lease.folder);
  await using folder = await createRunFolder({ command: "bench", parent, clock });
  const journal = folder.startJournal({
    runId: lease.id,
    command: "bench",
    arguments: [],
    startedAt: new Date(clock.wallMs()).toISOString(),
    seed: "plugin",
    strict: false,
    kmsmark: "0.0.0",
    machine: machineFacts(),
    target: null,
    plugin: null,
    clock: { resolutionNs: clockResolutionNs(clock) },
    notes: [],
  });
  using progress = new Progress(new Display({ stream: new PassThrough(), mode: "silent", clock }));
  await benchmark.run({
    options: {
      ...defaultVersions,
      ...benchDefaults,
      featureGates: {},
      own,
      pluginSocket: server?.socket,
      bundledProvider: localProvider,
      seed: "plugin",
    },
    lease,
    clock,
    signal: new AbortController().signal,
    journal,
    samples: folder.samples,
    progress,
  });
  journal.append({ event: "end", status: "complete", fault: null });
  return journal.result();
}

const phasesOf = ({ cells }: Result) =>
  cells.flatMap(({ provider, parameters, phases }) =>
    phases.map(
      ({ name, requests }) =>
        `${provider} ${Object.entries(parameters).join(" ")} ${name} ${requests.ok === requests.due && requests.ok > 0}`,
    ),
  );

describe("the benchmark of a plugin alone", () => {
  it("loads the bundled plugin over both versions of KMS, in closed loops and open ones, and no call fails", async () => {
    const result = await run(plugin, { concurrency: "1,16", rates: "200", seconds: "0.05" });
    const each = (provider: string, parameter: string) =>
      ["encrypt", "decrypt", "status"].map((name) => `${provider} ${parameter} ${name} true`);
    expect(phasesOf(result)).toEqual(
      ["kms-v1", "kms-v2"].flatMap((provider) =>
        ["inFlight,1", "inFlight,16", "ratePerSecond,200"].flatMap((parameter) => each(provider, parameter)),
      ),
    );
    expect(result.findings.map(({ text }) => text.slice(0, 21))).toEqual(["KMS v1: Encrypt reach", "KMS v2: Encrypt reach"]);
  });

  it("makes exactly as many calls as it is asked for, and loses none", async () => {
    const message = kmsV2Service.Encrypt.responseSerialize({ ciphertext: Buffer.from("c"), keyId: "k", annotations: new Map() });
    const { cells } = await run(
      plugin,
      { kms: "v2", calls: "encrypt", concurrency: "64", rates: "none", total: "30000", connections: "2" },
      (folder) => startNullKmsServer({ socket: join(folder, "null.sock"), message }),
    );
    expect(cells.map(({ phases }) => phases.map(({ requests }) => requests))).toEqual([
      [{ due: 30_000, ok: 30_000, failed: 0, dropped: 0 }],
    ]);
  });

  it("counts answers that are wrong as failures", async () => {
    const message = kmsV2Service.Encrypt.responseSerialize({ ciphertext: Buffer.from("c"), keyId: "", annotations: new Map() });
    const { cells } = await run(plugin, { kms: "v2", calls: "encrypt", concurrency: "1", rates: "none", total: "640" }, (folder) =>
      startNullKmsServer({ socket: join(folder, "null.sock"), message }),
    );
    // Every 64th answer is looked at.
    expect(cells[0]?.phases[0]?.failures).toEqual([{ status: 13, message: "Encrypt answers a key_id of 0 bytes", count: 10 }]);
  });

  it.each([
    [{ concurrency: "0" }, "--concurrency"],
    [{ rates: "fast" }, "--rates takes auto, none, or numbers"],
    [{ calls: "encrypt,sign" }, "--calls takes encrypt, decrypt, status"],
    [{ kms: "v3" }, "--kms takes auto, v1 or v2"],
    [{ seconds: "-1" }, "--seconds takes a number above 0"],
    [{ total: "1.5" }, "--total takes a whole number"],
  ])("refuses %j", (own, words) => {
    const parse = () => plugin.own.map((option) => option.of({ own }));
    expect(parse).toThrow(words);
  });
});

it("times every codec and every part of a call", async () => {
  const { cells, findings } = await run(codec, { "task-ms": "1", "plaintext-bytes": "64" });
  expect(cells.map(({ provider }) => provider)).toEqual(benchProviders);
  const named = (provider: string) => cells.find((cell) => cell.provider === provider)?.phases.map(({ name }) => name);
  expect(named("secretbox")).toEqual(["seal", "open"]);
  expect(named("kms-v2")).toEqual(codec.metrics.phases);
  expect(cells.flatMap(({ phases }) => phases).every(({ latency }) => (latency?.count ?? 0) > 0)).toBe(true);
  expect(findings).toHaveLength(1);
});

it("times a call with both clients", async () => {
  const { cells } = await run(pluginUnary, { "task-ms": "5" });
  expect(cells.flatMap(({ phases }) => phases.map(({ name }) => name))).toEqual(pluginUnary.metrics.phases);
});
