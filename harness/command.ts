import type { Argv } from "yargs";
import type { Environment, OutputStream } from "./run/look.ts";

/** 0: done and good. 1: done, and the answer is no. What could not run throws, and `cli.ts` makes 2 (or 130) of that. */
export type ExitCode = 0 | 1;

/** What a command may touch of the world around it. */
export interface CommandContext {
  /** Aborts with {@link Interrupted} at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The answer goes here, and nothing else. */
  readonly stdout: OutputStream;
  /** Progress and remarks go here. */
  readonly stderr: OutputStream;
  /** The width of the terminal, or 100 where there is none. */
  readonly columns: number;
  readonly environment: Environment;
}

/** One command of kmsmark; `harness/commands/NAME.ts` exports it as `command`. */
export interface Command<Arguments> {
  /** As yargs reads it: `report <run> [other]`. */
  readonly usage: string;
  /** One line of `kmsmark --help`. */
  readonly summary: string;
  /** Shown under `--help`; each is run by a test of its file. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Names of the options that may be given several times; any other is refused the second time. */
  readonly repeatable?: readonly string[];
  options(yargs: Argv): Argv<Arguments>;
  run(given: Arguments, context: CommandContext): Promise<ExitCode>;
}

/** Lets the compiler infer the arguments' type from `options`. */
export function defineCommand<Arguments>(command: Command<Arguments>): Command<Arguments> {
  return command;
}
