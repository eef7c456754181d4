import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "./clock.ts";
import { PluginError } from "./errors.ts";
import type { Lease } from "./lease.ts";

/** How long a server of kmsmark's own may take to serve; it takes a fraction of a second. */
const startMsMax = 20_000;
const pollMs = 20;
const tailLines = 10;

export interface ServerProcessOptions {
  /** As a sentence begins with it: `The bundled plugin`. */
  readonly what: string;
  /** Of the PluginError with which it fails. */
  readonly code: string;
  /** What `kmsmark` is called with. */
  readonly words: readonly string[];
  /** Where its log goes. */
  readonly logFile: string;
  /** Where its answers go; to the log where none is named. */
  readonly answerFile?: string;
  /** Remembers the process. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A process that serves. */
export interface ServerProcess<Ready> extends AsyncDisposable {
  readonly pid: number;
  /** What told that it serves. */
  readonly ready: Ready;
}

/** The program of kmsmark itself, for Node.js to run. */
export function cliFile(): string {
  return fileURLToPath(new URL(`./cli${extname(import.meta.url)}`, import.meta.url));
}

/**
 * Starts a command of kmsmark that serves as a process of its own, and asks again and again until `isReady` answers something. It outlives
 * this process if nobody disposes of it.
 * Fails with a PluginError and the last lines of its log.
 */
export async function startServerProcess<Ready>(
  { what, code, words, logFile, answerFile, lease, clock, signal }: ServerProcessOptions,
  isReady: () => Promise<Ready | undefined>,
): Promise<ServerProcess<Ready>> {
  const log = openSync(logFile, "a", 0o600);
  const answers = answerFile === undefined ? log : openSync(answerFile, "w", 0o600);
  const child = spawn(process.execPath, [cliFile(), ...words], { detached: true, stdio: ["ignore", answers, log] });
  for (const file of new Set([answers, log])) closeSync(file);
  if (child.pid === undefined) throw new PluginError(code, `${what} could not be started.`);
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
    const ready = await isReady();
    if (ready !== undefined) return { pid: child.pid, ready, [Symbol.asyncDispose]: stop };
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (isOver || signal.aborted || clock.monotonicMs() > giveUpMs) {
      await stop();
      signal.throwIfAborted();
      const tail = (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-tailLines).join("\n");
      throw new PluginError(code, `${what} ${isOver ? "ended before it served" : "does not serve"}:\n${tail}`);
    }
    await clock.sleep(pollMs);
  }
}
