import type { BenchOptions } from "./benchmark.ts";

/** An option of the command line that one benchmark has for itself, or several that share it. */
export interface OwnOption<Value> {
  /** Without the dashes: `outage`. */
  readonly name: string;
  /** A line of `--help`. */
  readonly describe: string;
  /** The word that holds where none is given. */
  readonly default: string;
  /** Reads a word. @throws UsageError with a sentence that begins with the option. */
  parse(word: string): Value;
  /** The value that a benchmark was given. */
  of(options: Pick<BenchOptions, "own">): Value;
}

/** Defines an option; a word is parsed before anything is started, and again where the value is needed. */
export function ownOption<Value>(facts: Omit<OwnOption<Value>, "of">): OwnOption<Value> {
  return { ...facts, of: ({ own }) => facts.parse(own[facts.name] ?? facts.default) };
}
