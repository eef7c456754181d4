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
  /** The working directory, where a config file is looked for. */
  readonly folder: string;
  readonly line: CommandLine;
}

/** The command line as it is in force. */
export interface CommandLine {
  /** The words that were typed, the command first, and behind them those that a config file adds. */
  readonly words: readonly string[];
  /** Says, for the run's notes, which of them come from a config file; empty where none do. */
  readonly notes: readonly string[];
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
  /** Names of the options whose one word is a list with commas, which a config file may also write as an array. */
  readonly lists?: readonly string[];
  /** By the name of an option or a positional, words that a shell proposes where there are no `choices`. */
  readonly proposals?: Readonly<Record<string, readonly string[]>>;
  options(yargs: Argv): Argv<Arguments>;
  run(given: Arguments, context: CommandContext): Promise<ExitCode>;
}

/** Lets the compiler infer the arguments' type from `options`. */
export function defineCommand<Arguments>(command: Command<Arguments>): Command<Arguments> {
  return command;
}
