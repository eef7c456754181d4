import { Writable } from "node:stream";
import { main } from "./cli.ts";
import type { CommandContext } from "./command.ts";

/** How a command that ran in this process ended. */
export interface CliAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Keeps what is written to it. */
class Kept extends Writable {
  text = "";

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

/** For tests: runs `kmsmark WORDS` in this process, which is faster than in one of its own. */
export async function callCli(words: readonly string[], given: Partial<CommandContext> = {}): Promise<CliAnswer> {
  const stdout = new Kept();
  const stderr = new Kept();
  const signal = new AbortController().signal;
  const code = await main(words, { signal, stdout, stderr, columns: 100, environment: process.env, folder: process.cwd(), ...given });
  return { code, stdout: stdout.text, stderr: stderr.text };
}
