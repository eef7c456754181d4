import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { PluginError } from "../errors.ts";
import type { Lease } from "../lease.ts";

/** A command that rotates a key or restarts a plugin has done so within this. */
const runMsMax = 60_000;
const shownLines = 3;

export interface HookOptions {
  /** The option that named it, for what is said of it. */
  readonly option: string;
  /** Remembers the process, and holds what it prints. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Runs somebody's shell command until it exits; what it leaves running stays. Rejects with PluginError `hook-failed` (its last lines, where it
 * exits with another code than 0), `hook-too-slow`, or the signal's reason.
 */
export async function runHook(command: string, { option, lease, clock, signal }: HookOptions): Promise<void> {
  signal.throwIfAborted();
  // A file, because a plugin that the command leaves running would keep a pipe open, or break on it.
  const said = join(lease.folder, "hook.log");
  const output = openSync(said, "w", 0o600);
  const child = spawn("sh", ["-c", command], { stdio: ["ignore", output, output], detached: true });
  closeSync(output);
  if (child.pid !== undefined) lease.addProcess(child.pid);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (fault) => resolve(fault.message));
    child.once("exit", (code, by) => resolve(code === 0 ? undefined : `it ended with ${by ?? `exit code ${code}`}`));
  });
  const { promise: tooSlow, resolve: giveUp } = Promise.withResolvers<"too slow">();
  using _timer = clock.startTimer(runMsMax, () => giveUp("too slow"));
  const stop = () => giveUp("too slow");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const end = await Promise.race([ended, tooSlow]);
    signal.throwIfAborted();
    if (end === undefined) return;
    if (end === "too slow") throw new PluginError("hook-too-slow", `The command of ${option} did not end within ${runMsMax / 1000} s.`);
    const tail = (await readFile(said, "utf8")).trimEnd().split("\n").slice(-shownLines).join(" / ");
    throw new PluginError("hook-failed", `The command of ${option} failed: ${end}${tail === "" ? "" : `; it said: ${tail}`}.`);
  } finally {
    signal.removeEventListener("abort", stop);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
  }
}
