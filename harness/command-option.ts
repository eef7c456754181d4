import type { Command } from "./command.ts";

/** One option of a command, or one of its positional words, as far as shells and config files have to know it. */
export interface CommandOption {
  /** `kms-latency` for `--kms-latency`. */
  readonly name: string;
  /** It has no name on the command line, only a place. */
  readonly isPositional: boolean;
  /** It takes no word: `--json`, `--no-json`. */
  readonly isFlag: boolean;
  readonly isNumber: boolean;
  /** It may be given several times. */
  readonly isRepeatable: boolean;
  /** Its one word is a list with commas. */
  readonly isList: boolean;
  /** The words that it takes; empty where it takes others. */
  readonly choices: readonly string[];
  /** Words that it takes among others. */
  readonly proposals: readonly string[];
}

/** What every command has beside its own options. */
export const generalOptions = ["help", "version", "config"] as const;

/** What of a command's facts is not told by its yargs. */
export type CommandFacts = Pick<Command<unknown>, "repeatable" | "lists" | "proposals">;

/**
 * The options of every command by its name, without loading one. The file is made by `npm run generate` of the commands themselves, and
 * a test fails where it is stale: loading them all takes more than a second, which is too long for whoever presses the tabulator.
 */
export async function readCommandOptions(): Promise<ReadonlyMap<string, readonly CommandOption[]>> {
  const { default: options } = await import("./command-options.json", { with: { type: "json" } });
  return new Map<string, readonly CommandOption[]>(Object.entries(options));
}
