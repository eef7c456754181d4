import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "./clock.ts";
import { PluginError } from "./errors.ts";
import { requireListening } from "./kms/socket.ts";
import type { Lease } from "./lease.ts";

/** How long the bundled plugin may take to serve; it takes a fraction of a second. */
const startMsMax = 20_000;
const pollMs = 20;

/** The bundled plugin as a process of its own, so that it does not share the load's processor time and can die alone. */
export interface PluginProcess extends AsyncDisposable {
  readonly socket: string;
  readonly pid: number;
  /** The file that its log goes to, and that its key versions lie in. */
  readonly logFile: string;
  readonly keyFile: string;
}

export interface PluginProcessOptions {
  /** Remembers the process; socket, key file and log lie in its folder. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Starts `kmsmark plugin` with provider `local` and a fresh key, and waits until it serves. It outlives this process if nobody disposes of it.
 * Fails with PluginError `plugin-not-started` and the last lines of its log.
 */
export async function startPluginProcess({ lease, clock, signal }: PluginProcessOptions): Promise<PluginProcess> {
  const socket = join(lease.folder, "plugin.sock");
  const keyFile = join(lease.folder, "plugin-keys.json");
  const logFile = join(lease.folder, "plugin.log");
  const cli = fileURLToPath(new URL(`./cli${extname(import.meta.url)}`, import.meta.url));
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(process.execPath, [cli, "plugin", "--socket", socket, "--key-file", keyFile], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  if (child.pid === undefined) throw new PluginError("plugin-not-started", "The bundled plugin could not be started.");
  lease.addProcess(child.pid);
  child.unref();
  const ended = once(child, "exit");
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Until it has ended it keeps this process from ending.
    child.ref();
    child.kill("SIGTERM");
    await ended;
  };

  const giveUpMs = clock.monotonicMs() + startMsMax;
  for (;;) {
    const refusal = await requireListening(socket).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (refusal === undefined) return { socket, pid: child.pid, logFile, keyFile, [Symbol.asyncDispose]: stop };
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (isOver || signal.aborted || clock.monotonicMs() > giveUpMs) {
      await stop();
      signal.throwIfAborted();
      const tail = (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-10).join("\n");
      throw new PluginError("plugin-not-started", `The bundled plugin ${isOver ? "ended before it served" : "does not serve"}:\n${tail}`);
    }
    await clock.sleep(pollMs);
  }
}
