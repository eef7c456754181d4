import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../harness/clock.ts";
import { requireListening } from "../../harness/kms/socket.ts";

const run = promisify(execFile);
const sources = fileURLToPath(new URL("./go-plugin", import.meta.url));
const startMsMax = 10_000;
const pollMs = 20;

/** Whether there is a Go toolchain to build the plugin with. */
export async function hasGo(): Promise<boolean> {
  return run("go", ["version"]).then(
    () => true,
    () => false,
  );
}

/** For tests: builds the plugin into a folder, and resolves to the program. It takes seconds, and the first time the download of its modules. */
export async function buildGoPlugin(folder: string): Promise<string> {
  const program = join(folder, "go-plugin");
  await run("go", ["build", "-trimpath", "-o", program, "."], { cwd: sources, env: { ...process.env, CGO_ENABLED: "0" } });
  return program;
}

/** A plugin on the service package that Kubernetes publishes, with its keys in a file. */
export class GoPlugin implements AsyncDisposable {
  readonly socket: string;
  readonly #program: string;
  readonly #keyFile: string;
  #child: ChildProcess | undefined;

  private constructor(program: string, folder: string) {
    this.#program = program;
    this.socket = join(folder, "go.sock");
    this.#keyFile = join(folder, "keys.json");
  }

  static async start(program: string, folder: string): Promise<GoPlugin> {
    const plugin = new GoPlugin(program, folder);
    await plugin.#start();
    return plugin;
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
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  async #start(): Promise<void> {
    await rm(this.socket, { force: true });
    this.#child = spawn(this.#program, ["--socket", this.socket, "--key-file", this.#keyFile], { stdio: "ignore" });
    const giveUpMs = systemClock.monotonicMs() + startMsMax;
    for (;;) {
      try {
        return await requireListening(this.socket);
      } catch (thrown) {
        if (systemClock.monotonicMs() > giveUpMs) throw thrown;
        await systemClock.sleep(pollMs);
      }
    }
  }
}
