import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "./clock.ts";
import { messageOf, PluginError } from "./errors.ts";
import { requireListening } from "./kms/socket.ts";
import type { Lease } from "./lease.ts";
import { cliFile, startServerProcess } from "./server-process.ts";

/** The bundled plugin as a process of its own, so that it does not share the load's processor time and can die alone. */
export interface PluginProcess extends AsyncDisposable {
  readonly socket: string;
  readonly pid: number;
  /** The file that its log goes to. */
  readonly logFile: string;
  /** The file that the provider `local` keeps its key versions in; undefined with another provider. */
  readonly keyFile: string | undefined;
  /**
   * Adds a key version to the key file, as `kmsmark plugin rotate` does; the plugin notices it by itself. Undefined where there is no key file.
   */
  readonly rotateKey: (() => Promise<void>) | undefined;
}

/**
 * The KMS behind the bundled plugin, and the options of `kmsmark plugin` for it. Credentials are not among them: it inherits the
 * environment.
 */
export interface BundledProvider {
  readonly name: string;
  readonly words: readonly string[];
}

export const localProvider: BundledProvider = { name: "local", words: [] };

export interface PluginProcessOptions {
  /** Remembers the process; socket, key file and log lie in its folder. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `local` with a fresh key where none is named. */
  readonly provider?: BundledProvider;
}

/**
 * Starts `kmsmark plugin`, and waits until it serves. It outlives this process if nobody disposes of it.
 * Fails with PluginError `plugin-not-started` and the last lines of its log.
 */
export async function startPluginProcess({ lease, clock, signal, provider = localProvider }: PluginProcessOptions): Promise<PluginProcess> {
  const socket = join(lease.folder, "plugin.sock");
  const keyFile = provider.name === localProvider.name ? join(lease.folder, "plugin-keys.json") : undefined;
  const logFile = join(lease.folder, "plugin.log");
  const own = keyFile === undefined ? provider.words : ["--key-file", keyFile, ...provider.words];
  const words = ["plugin", "--socket", socket, "--provider", provider.name, ...own];
  const { pid, [Symbol.asyncDispose]: stop } = await startServerProcess(
    { what: "The bundled plugin", code: "plugin-not-started", words, logFile, lease, clock, signal },
    () =>
      requireListening(socket).then(
        () => true,
        () => undefined,
      ),
  );
  const rotateKey = keyFile === undefined ? undefined : () => rotateKeyOf(keyFile);
  return { socket, pid, logFile, keyFile, rotateKey, [Symbol.asyncDispose]: stop };
}

const execute = promisify(execFile);

/** Only the command knows the key file's format. */
async function rotateKeyOf(keyFile: string): Promise<void> {
  try {
    await execute(process.execPath, [cliFile(), "plugin", "rotate", "--key-file", keyFile]);
  } catch (thrown) {
    throw new PluginError("key-not-rotated", `The key of the bundled plugin was not rotated: ${messageOf(thrown)}`, { cause: thrown });
  }
}
