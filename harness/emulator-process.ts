import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "./clock.ts";
import type { Lease } from "./lease.ts";
import { startServerProcess } from "./server-process.ts";

/** What `kmsmark emulate NAME --json` prints once it serves, as far as others need it. */
const readySchema = z.object({ url: z.string(), pluginWords: z.record(z.string(), z.string()) });

/** A local cloud as a process of its own, so that it does not share the load's processor time. */
export interface EmulatorProcess extends AsyncDisposable {
  readonly url: string;
  /** Options of `kmsmark plugin` by their names, with which a provider talks to it. */
  readonly pluginWords: Readonly<Record<string, string>>;
}

export interface EmulatorProcessOptions {
  /** As `kmsmark emulate` takes it. */
  readonly name: string;
  readonly faults: readonly string[];
  /** Remembers the process; its log and the files with credentials lie in its folder. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Starts `kmsmark emulate`, and waits until it serves.
 * Fails with PluginError `emulator-not-started` and the last lines of its log.
 */
export async function startEmulatorProcess({ name, faults, lease, clock, signal }: EmulatorProcessOptions): Promise<EmulatorProcess> {
  const readyFile = join(lease.folder, "emulator.json");
  const logFile = join(lease.folder, "emulator.log");
  const words = ["emulate", name, "--json", "--state", join(lease.folder, "cloud.json"), ...faults.flatMap((fault) => ["--fault", fault])];
  const server = await startServerProcess(
    { what: "The local cloud", code: "emulator-not-started", words, logFile, answerFile: readyFile, lease, clock, signal },
    async () => {
      const line = await readFile(readyFile, "utf8");
      return line.endsWith("\n") ? readySchema.parse(JSON.parse(line)) : undefined;
    },
  );
  return { ...server.ready, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
