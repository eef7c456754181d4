import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "./clock.ts";

const cli = fileURLToPath(new URL("./cli.ts", import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** For tests: a folder to run kmsmark in, with scratch files of its own, so that tests do not sweep each other's. */
export class CliFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "cli-"));
  readonly environment: Record<string, string | undefined>;

  constructor(environment: Record<string, string | undefined> = {}) {
    this.environment = { ...process.env, TMPDIR: this.path, ...environment };
  }

  /** Starts `kmsmark WORDS`. */
  start(...words: readonly string[]): Started {
    return this.startWithin([], ...words);
  }

  /** Starts `COMMAND kmsmark WORDS`, a command that runs another one. */
  startWithin(command: readonly string[], ...words: readonly string[]): Started {
    const [program = process.execPath, ...rest] = [...command, process.execPath, cli, ...words];
    const child = spawn(program, rest, { cwd: this.path, env: this.environment, stdio: ["ignore", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text) => {
        said[name] += text;
      });
    }
    return { child, ended: once(child, "close").then(([code]) => ({ code, ...said })) };
  }

  run(...words: readonly string[]): Promise<Ended> {
    return this.start(...words).ended;
  }

  /** Resolves when the run in `out` has written a line that matches, and to whether that happened before `ended`. */
  async journalSays(out: string, pattern: RegExp, ended: Promise<Ended>): Promise<boolean> {
    const path = join(this.path, out, "journal.jsonl");
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      if (existsSync(path) && pattern.test(readFileSync(path, "utf8"))) return true;
      await systemClock.sleep(5);
    }
    return false;
  }

  /** The leases that are there: one for each run that has not cleaned up. */
  leases(): string[] {
    const folder = readdirSync(this.path).find((name) => name.startsWith("kmsmark-"));
    return folder === undefined ? [] : readdirSync(join(this.path, folder)).map((id) => join(this.path, folder, id));
  }

  /** The processes and containers that the leases remember. */
  held(): { readonly processes: readonly number[]; readonly containers: readonly string[] } {
    const records = this.leases().flatMap((lease) => {
      try {
        const record: { processes: { pid: number }[]; containers: string[] } = JSON.parse(readFileSync(join(lease, "lease.json"), "utf8"));
        return [record];
      } catch {
        // It is being written for the first time.
        return [];
      }
    });
    return {
      processes: records.flatMap(({ processes }) => processes.map(({ pid }) => pid)),
      containers: records.flatMap(({ containers }) => containers),
    };
  }

  /** Processes that were started under this folder and still run, by their command lines. */
  processes(): string[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
          return line.includes(this.path) ? [line] : [];
        } catch {
          return [];
        }
      });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
