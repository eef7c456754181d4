import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { methodPaths } from "../../harness/kms/contract.ts";
import { kmsV2Service } from "../../harness/kms/messages.ts";
import { Random } from "../../harness/random.ts";
import { cacheFolder } from "../../harness/target/install/index.ts";
import { buildGoPlugin, GoPlugin, goLack } from "../../plugins/testing/go-plugin.ts";
import { runTimed } from "./timed-process.ts";

/** The release that is compared with; `go install` takes it. */
export const ghzVersion = "v0.121.0";
const buildMsMax = 600_000;

/** What one tool reached in one round. */
export interface PluginLoadRound {
  readonly tool: "kmsmark" | "ghz";
  readonly inFlight: number;
  /** Counts from 1. */
  readonly round: number;
  readonly calls: number;
  readonly failed: number;
  readonly callsPerSecond: number;
  /** User and system time of the tool's whole process, its start included, over its calls, µs. */
  readonly cpuUsPerCall: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface CompareGhzOptions {
  readonly inFlight: readonly number[];
  readonly rounds: number;
  /** Of each tool's load in a round. */
  readonly seconds: number;
  /** Takes the plugin's socket, keys and program, and ghz's input; its path is short enough for a socket's. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Told of every round as it ends. */
  readonly onRound?: (round: PluginLoadRound) => void;
}

/** Why ghz cannot be compared with here, as a sentence; undefined where it can. */
export const ghzLack = goLack;

/**
 * Encrypt over a Unix socket to the Go plugin, one connection, by kmsmark's client and by ghz in turns, each in a process of its own. ghz gets its request
 * as bytes and makes it out of no template, which is the fastest that it can.
 * @throws Error where ghz or the plugin cannot be built, or a tool fails.
 */
export async function compareWithGhz(options: CompareGhzOptions): Promise<PluginLoadRound[]> {
  const { inFlight, rounds, folder, environment, signal } = options;
  const program = await installGhz(environment, signal);
  await mkdir(folder, { recursive: true });
  await using plugin = await GoPlugin.start({ program: await buildGoPlugin(folder), folder, kms: "v2" });
  await writeInput(folder);
  const random = new Random("compare-with-ghz");
  const measured: PluginLoadRound[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const many of inFlight) {
      const ways = [() => byGhz(program, plugin.socket, options, many), () => byKmsmark(plugin.socket, options, many)];
      // Which goes first is drawn, so that neither always finds the warmer caches.
      if (random.below(2) === 0) ways.reverse();
      for (const way of ways) {
        const one = { ...(await way()), inFlight: many, round };
        measured.push(one);
        options.onRound?.(one);
      }
    }
  }
  return measured;
}

type Measured = Omit<PluginLoadRound, "inFlight" | "round">;

/** Builds ghz into the cache once; later calls find it there. */
async function installGhz(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const folder = join(cacheFolder(environment), "peers", `ghz-${ghzVersion}`);
  const program = join(folder, "ghz");
  if (existsSync(program)) return program;
  const run = promisify(execFile);
  await run("go", ["install", "-trimpath", `github.com/bojand/ghz/cmd/ghz@${ghzVersion}`], {
    env: { ...environment, GOBIN: folder, CGO_ENABLED: "0", GOTOOLCHAIN: "local" },
    timeout: buildMsMax,
    signal,
  });
  return program;
}

/** KMS v2's contract as far as Encrypt needs it (spec encryption-at-rest 2.1), in the words of protobuf. */
const proto = `syntax = "proto3";
package v2;
service KeyManagementService {
  rpc Encrypt(EncryptRequest) returns (EncryptResponse) {}
}
message EncryptRequest {
  bytes plaintext = 1;
  string uid = 2;
}
message EncryptResponse {
  bytes ciphertext = 1;
  string key_id = 2;
  map<string, bytes> annotations = 3;
}
`;

const protoFile = "kms-v2.proto";
const requestFile = "encrypt-request";

async function writeInput(folder: string): Promise<void> {
  const plaintext = new Random("compare-with-ghz").bytes(32);
  const uid = "6a1ea7c8-57ae-4b2c-a4d2-f3a4c1a2b111";
  await writeFile(join(folder, protoFile), proto);
  await writeFile(join(folder, requestFile), kmsV2Service.Encrypt.requestSerialize({ plaintext, uid }));
}

async function byGhz(program: string, socket: string, { folder, seconds, signal }: CompareGhzOptions, inFlight: number): Promise<Measured> {
  const words = ["--insecure", "--proto", join(folder, protoFile), "--call", methodPaths.v2.Encrypt.slice(1)];
  const load = ["--concurrency", String(inFlight), "--connections", "1", "--duration", `${seconds}s`, "--duration-stop", "wait"];
  const request = ["--binary-file", join(folder, requestFile), "--disable-template-functions", "--disable-template-data"];
  const { stdout, stderr, exitCode, cpuMs } = await runTimed(program, [...words, ...load, ...request, `unix://${socket}`], signal);
  if (exitCode !== 0) throw new Error(`ghz ended with ${exitCode}: ${stderr}`);
  const calls = numberIn(stdout, /Count:\s+(\d+)/);
  return {
    tool: "ghz",
    calls,
    failed: calls - numberIn(stdout, /\[OK\]\s+(\d+) responses/),
    callsPerSecond: numberIn(stdout, /Requests\/sec:\s+([\d.]+)/),
    cpuUsPerCall: (cpuMs * 1000) / calls,
    p50Ms: latencyMs(stdout, 50),
    p99Ms: latencyMs(stdout, 99),
  };
}

function numberIn(report: string, pattern: RegExp): number {
  const [, number] = pattern.exec(report) ?? [];
  if (number === undefined) throw new Error(`ghz does not print ${pattern}:\n${report}`);
  return Number(number);
}

function latencyMs(report: string, percent: number): number {
  const [, value, unit] = new RegExp(`^\\s*${percent} % in ([\\d.]+) (ns|µs|ms|s)\\s*$`, "m").exec(report) ?? [];
  if (value === undefined || unit === undefined) throw new Error(`ghz does not print the latency at ${percent} %:\n${report}`);
  return Number(value) * (unit === "s" ? 1000 : unit === "ms" ? 1 : unit === "ns" ? 1e-6 : 1e-3);
}

const ownReport = z.object({
  calls: z.number(),
  ok: z.number(),
  callsPerSecond: z.number(),
  latencyNs: z.object({ p50: z.number(), p99: z.number() }),
});

async function byKmsmark(socket: string, { seconds, signal }: CompareGhzOptions, inFlight: number): Promise<Measured> {
  const script = fileURLToPath(new URL("../load-plugin.ts", import.meta.url));
  const words = [script, "--socket", socket, "--in-flight", String(inFlight), "--seconds", String(seconds)];
  const { stdout, stderr, exitCode, cpuMs } = await runTimed(process.execPath, words, signal);
  if (exitCode !== 0) throw new Error(`The load ended with ${exitCode}: ${stdout}${stderr}`);
  const { calls, ok, callsPerSecond, latencyNs } = ownReport.parse(JSON.parse(stdout));
  return {
    tool: "kmsmark",
    calls,
    failed: calls - ok,
    callsPerSecond,
    cpuUsPerCall: (cpuMs * 1000) / calls,
    p50Ms: latencyNs.p50 / 1e6,
    p99Ms: latencyNs.p99 / 1e6,
  };
}
