import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock as clock } from "../../harness/clock.ts";
import { requireListening } from "../../harness/kms/socket.ts";
import { LoadDriver } from "../../harness/load/driver.ts";
import { kmsCalls } from "../../harness/load/kms-calls.ts";
import { KmsLoadClient, type LoadCall } from "../../harness/load/kms-load-client.ts";
import { closedLoop } from "../../harness/load/schedule.ts";
import { Random } from "../../harness/random.ts";
import { buildGoPlugin, GoPlugin, goLack } from "../../plugins/testing/go-plugin.ts";

const methods = ["encrypt", "decrypt"] as const;
const inFlights = [1, 8, 32, 128] as const;

/** What one plugin reached in one round. */
export interface PluginRound {
  readonly tool: "kmsmark" | "go";
  readonly method: (typeof methods)[number];
  readonly inFlight: number;
  /** Counts from 1. */
  readonly round: number;
  readonly failed: number;
  readonly callsPerSecond: number;
  readonly p99Ms: number;
  /** User and system time of the plugin's process a call, µs. */
  readonly pluginCpuUs: number;
}

export interface ComparePluginsOptions {
  readonly rounds: number;
  /** Of each plugin's load in a round. */
  readonly seconds: number;
  /** Takes sockets, keys and a program; its path is short enough for a socket's. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told of every round as it ends. */
  readonly onRound?: (round: PluginRound) => void;
}

/** Before the first round of a method each plugin is loaded for so long with many and with one in flight, so that neither is measured while it still compiles. */
const warmUpMs = 3000;
const differentCalls = 256;
const startMsMax = 20_000;
const pollMs = 20;

/** Why there is no plugin in Go to compare with, as a sentence; undefined where there is. */
export const goServiceLack = goLack;

interface Contender {
  readonly tool: PluginRound["tool"];
  readonly socket: string;
  readonly pid: number;
}

/**
 * The bundled plugin and one on the service package that Kubernetes publishes for Go, both with AES-256-GCM and their keys in a file: the same calls of KMS
 * v2 by the same client over one connection, in turns.
 * @throws Error where the plugin in Go cannot be built, or one of them does not start.
 */
export async function comparePlugins({ rounds, seconds, folder, signal, onRound }: ComparePluginsOptions): Promise<PluginRound[]> {
  const random = new Random("compare-plugins");
  const program = await buildGoPlugin(folder);
  await using goPlugin = await GoPlugin.start({ program, folder, kms: "v2" });
  await using ownPlugin = await startOwnPlugin(folder);
  if (goPlugin.pid === undefined) throw new Error("The plugin in Go has ended.");
  const go: Contender = { tool: "go", socket: goPlugin.socket, pid: goPlugin.pid };
  const own: Contender = { tool: "kmsmark", ...ownPlugin };

  const measured: PluginRound[] = [];
  for (const method of methods) {
    const calls = new Map<Contender, readonly LoadCall[]>();
    for (const each of [go, own]) {
      const options = { endpoint: each.socket, kms: "v2", method, count: differentCalls, random, clock } as const;
      calls.set(each, await kmsCalls(options));
      for (const inFlight of [32, 1]) await load(each, calls.get(each) ?? [], { inFlight, durationMs: warmUpMs, signal });
    }
    for (const inFlight of inFlights) {
      for (let round = 1; round <= rounds; round++) {
        // Which goes first is drawn, so that neither always finds the warmer caches.
        for (const each of random.below(2) === 0 ? [go, own] : [own, go]) {
          signal.throwIfAborted();
          const reached = await load(each, calls.get(each) ?? [], { inFlight, durationMs: 1000 * seconds, signal });
          measured.push({ tool: each.tool, method, inFlight, round, ...reached });
          onRound?.({ tool: each.tool, method, inFlight, round, ...reached });
        }
      }
    }
  }
  return measured;
}

async function load(
  { socket, pid }: Contender,
  calls: readonly LoadCall[],
  { inFlight, durationMs, signal }: { readonly inFlight: number; readonly durationMs: number; readonly signal: AbortSignal },
): Promise<Pick<PluginRound, "failed" | "callsPerSecond" | "p99Ms" | "pluginCpuUs">> {
  const count = 2 ** 31 - 1;
  await using client = await KmsLoadClient.connect({ endpoint: socket, calls, count, clock });
  const driver = new LoadDriver({ schedule: closedLoop({ inFlight, count, durationMs }), sender: client, clock, signal });
  const cpuBeforeUs = cpuUsOf(pid);
  const { ok, failed, durationMs: tookMs, latency } = await driver.run();
  return {
    failed,
    callsPerSecond: (1000 * ok) / tookMs,
    p99Ms: latency.quantileNs(99) / 1e6,
    pluginCpuUs: (cpuUsOf(pid) - cpuBeforeUs) / ok,
  };
}

/** Started as the one in Go is, in the same session: some kernels share out the processors by sessions. */
async function startOwnPlugin(folder: string): Promise<Pick<Contender, "socket" | "pid"> & AsyncDisposable> {
  const socket = join(folder, "own.sock");
  const cli = fileURLToPath(new URL("../../harness/cli.ts", import.meta.url));
  const words = ["plugin", "--socket", socket, "--key-file", join(folder, "own-keys.json")];
  const child = spawn(process.execPath, [cli, ...words], { stdio: "ignore" });
  await once(child, "spawn");
  const ended = once(child, "exit");
  for (const giveUpMs = clock.monotonicMs() + startMsMax; ; await clock.sleep(pollMs)) {
    try {
      await requireListening(socket);
      break;
    } catch (thrown) {
      if (child.exitCode !== null || clock.monotonicMs() > giveUpMs) throw thrown;
    }
  }
  return {
    socket,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** What a process and its threads have used, proc(5): fields 14 and 15, in hundredths of a second. */
function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10_000 * (Number(fields[11]) + Number(fields[12]));
}
