import { basename } from "node:path";
import { type CommandOption, readCommandOptions } from "./command-option.ts";

/** The word by which the script that `kmsmark completion` prints asks for proposals; yargs gives it to the script. */
export const completionWord = "--get-yargs-completions";

/**
 * What a shell may put in the place of the last word, the others being what was typed before; nothing where only the shell knows, which
 * then proposes names of files. yargs finds that out of commands that are loaded, which takes longer than somebody waits, and of `choices`
 * alone.
 * @param line - the words as the shell has them, the program first
 */
export async function completionsOf(line: readonly string[]): Promise<string[]> {
  const commands = await readCommandOptions();
  // fish leaves the program out.
  const typed = basename(line[0] ?? "").startsWith("kmsmark") ? line.slice(1) : line;
  // bash makes three words of `--target=e`.
  const words = typed.slice(0, -1).filter((word) => word !== "=");
  const current = typed.at(-1) === "=" ? "" : (typed.at(-1) ?? "");
  const [command = ""] = words;
  const starting = (proposals: readonly string[]) => proposals.filter((proposal) => proposal.startsWith(current));
  if (words.length === 0) return starting([...commands.keys(), "completion", "--help", "--version"]);

  const options = commands.get(command) ?? [];
  const previous = options.find(({ name, isPositional, isFlag }) => !isPositional && !isFlag && words.at(-1) === `--${name}`);
  if (previous !== undefined) return starting(wordsFor(previous, current));
  if (words.at(-1) === "--config") return [];
  const [, assigned, value = ""] = /^--([^=]+)=(.*)$/.exec(current) ?? [];
  const option = options.find(({ name, isPositional }) => !isPositional && name === assigned);
  if (option !== undefined) return starting(wordsFor(option, value).map((word) => `--${option.name}=${word}`));
  if (current.startsWith("-")) return starting(optionNames(options, words));
  const positional = options.filter(({ isPositional }) => isPositional);
  const given = positionalsIn(words.slice(1), options);
  const next = positional[given.length] ?? positional.filter(({ isRepeatable }) => isRepeatable).at(-1);
  return next === undefined ? [] : starting(wordsFor(next, current)).filter((word) => !given.includes(word));
}

/** Of a list with commas the last part is proposed, behind those that stand. */
function wordsFor({ choices, proposals, isList }: CommandOption, current: string): string[] {
  const words = choices.length > 0 ? choices : proposals;
  const comma = isList ? current.lastIndexOf(",") : -1;
  const standing = current.slice(0, comma + 1);
  return words.filter((word) => !standing.split(",").includes(word)).map((word) => `${standing}${word}`);
}

/** Options that have not been given, or may be given again. */
function optionNames(options: readonly CommandOption[], words: readonly string[]): string[] {
  const isGiven = (name: string) => words.some((word) => [`--${name}`, `--no-${name}`].includes(word) || word.startsWith(`--${name}=`));
  const open = options.filter(({ name, isPositional, isRepeatable }) => !isPositional && (isRepeatable || !isGiven(name)));
  return [...open.map(({ name }) => `--${name}`), "--config", "--no-config", "--help"];
}

function positionalsIn(words: readonly string[], options: readonly CommandOption[]): string[] {
  return words.filter((word, at) => {
    const before = options.find(({ name }) => words[at - 1] === `--${name}`);
    return !word.startsWith("-") && (before === undefined || before.isFlag);
  });
}
