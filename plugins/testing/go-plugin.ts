import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../harness/clock.ts";
import { messageOf } from "../../harness/errors.ts";
import type { KmsVersion } from "../../harness/kms/contract.ts";
import { requireListening } from "../../harness/kms/socket.ts";

const run = promisify(execFile);
const sources = fileURLToPath(new URL("./go-plugin", import.meta.url));
const startMsMax = 10_000;
const pollMs = 20;

/** Why the plugin cannot be built here, as a sentence; undefined where it can, if its modules are to be had. */
export async function goLack(): Promise<string | undefined> {
  try {
    await run("go", ["list", "-m"], { cwd: sources, env: environmentIn(undefined) });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return "there is no `go` on the PATH.";
    return `the \`go\` on the PATH cannot build the plugin: ${messageOf(thrown).trim().split("\n").at(-1)}`;
  }
}

/** For tests: builds the plugin into a folder, and resolves to the program. It takes seconds, and the first time the download of its modules. */
export async function buildGoPlugin(folder: string): Promise<string> {
  const program = join(folder, "go-plugin");
  const flags = ["-mod=readonly", "-modcacherw", "-trimpath", "-buildvcs=false"];
  await run("go", ["build", ...flags, "-o", program, "."], { cwd: sources, env: environmentIn(folder) });
  return program;
}

/** Go's environment is the user's; without a home, its caches go into a folder. */
function environmentIn(folder: string | undefined): NodeJS.ProcessEnv {
  const { HOME, GOCACHE, GOPATH, XDG_CACHE_HOME } = process.env;
  const isHomeless = !HOME && folder !== undefined;
  return {
    ...process.env,
    ...(isHomeless && !GOCACHE && !XDG_CACHE_HOME ? { GOCACHE: join(folder, "go-build") } : {}),
    ...(isHomeless && !GOPATH ? { GOPATH: join(folder, "go") } : {}),
    CGO_ENABLED: "0",
    GOWORK: "off",
    // Another toolchain would be 200 MB more that nobody asked for.
    GOTOOLCHAIN: "local",
  };
}

export interface GoPluginOptions {
  /** What {@link buildGoPlugin} built. */
  readonly program: string;
  /** Holds its socket and its keys; its path is short enough for a socket's. */
  readonly folder: string;
  /** The one that it serves. */
  readonly kms: KmsVersion;
}

/** A plugin on the packages that Kubernetes publishes, with its keys in a file, as a process of its own. */
export class GoPlugin implements AsyncDisposable {
  readonly socket: string;
  readonly #program: string;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined;

  private constructor({ program, folder, kms }: GoPluginOptions) {
    this.#program = program;
    this.socket = join(folder, `go-${kms}.sock`);
    this.#words = ["--kms", kms, "--socket", this.socket, "--key-file", join(folder, `keys-${kms}.json`)];
  }

  static async start(options: GoPluginOptions): Promise<GoPlugin> {
    const plugin = new GoPlugin(options);
    await plugin.#start();
    return plugin;
  }

  /** Of the process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async rotate(): Promise<void> {
    this.#child?.kill("SIGHUP");
  }

  async restart(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  async #start(): Promise<void> {
    await rm(this.socket, { force: true });
    const child = spawn(this.#program, this.#words, { stdio: "ignore" });
    this.#child = child;
    await once(child, "spawn");
    const giveUpMs = systemClock.monotonicMs() + startMsMax;
    for (;;) {
      try {
        return await requireListening(this.socket);
      } catch (thrown) {
        if (hasEnded(child) || systemClock.monotonicMs() > giveUpMs) throw thrown;
        await systemClock.sleep(pollMs);
      }
    }
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
