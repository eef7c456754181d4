import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { parseDocument } from "yaml";
import { type CommandOption, generalOptions, readCommandOptions } from "./command-option.ts";
import { messageOf, UsageError } from "./errors.ts";

/** The names of a config file that is taken without being asked for, in the working directory. */
export const configFileNames = ["kmsmark.config.json", "kmsmark.config.yaml", "kmsmark.config.yml"] as const;

/** What a config file gives to a command. */
export interface ConfigWords {
  /** As it was named. */
  readonly file: string;
  /** The names of the options that it gives and the command line does not: `--secrets`. */
  readonly options: readonly string[];
  /** The same as words of the command line. */
  readonly words: readonly string[];
}

/**
 * Reads the config file that the command line names or that lies in the folder, and says in words of the command line what it gives to
 * the command. An option that the line gives is the line's alone; anything else is as if it had been typed. Undefined where there is no
 * file, or where `--no-config` forbids one.
 * @param words - what was typed, the command first
 * @throws UsageError naming the file and every key that is wrong
 */
export async function readConfigWords(words: readonly string[], folder: string): Promise<ConfigWords | undefined> {
  const [command = "", ...typed] = wordsBeforeSeparator(words);
  const file = fileFor(typed, folder);
  if (file === undefined) return undefined;
  const commands = await readCommandOptions();
  const faults: string[] = [];
  const sections = sectionsOf(await parseConfig(file, folder), commands, faults);
  const given = new Map(
    [...sections].map(([name, section]) => [name, optionWordsOf(name, section, commands.get(name) ?? [], faults)] as const),
  );
  if (faults.length > 0) {
    throw new UsageError("bad-config", `${file}: ${faults.join("; ")}.`, {
      hint: "The names are those of the flags, under the command's name; `kmsmark COMMAND --help` lists them.",
    });
  }
  const missing = [...(given.get(command) ?? [])].filter(([name]) => !isTyped(name, typed));
  return { file, options: missing.map(([name]) => `--${name}`), words: missing.flatMap(([, optionWords]) => optionWords) };
}

/** Puts words behind those that were typed, but before a `--`, behind which no word is an option. */
export function withConfigWords(words: readonly string[], added: readonly string[]): string[] {
  const before = wordsBeforeSeparator(words);
  return [...before, ...added, ...words.slice(before.length)];
}

function wordsBeforeSeparator(words: readonly string[]): readonly string[] {
  const at = words.indexOf("--");
  return at < 0 ? words : words.slice(0, at);
}

/** Which file to read, as it is named to the user. */
function fileFor(typed: readonly string[], folder: string): string | undefined {
  const at = typed.findIndex((word) => word === "--config" || word.startsWith("--config="));
  const isForbidden = typed.includes("--no-config");
  if (at >= 0) {
    if (isForbidden) throw new UsageError("bad-config", "--config and --no-config exclude each other.");
    const word = typed[at] === "--config" ? typed[at + 1] : typed[at]?.slice("--config=".length);
    if (word === undefined || word === "" || word.startsWith("-")) {
      throw new UsageError("bad-config", "--config takes the name of a file, .json, .yaml or .yml.");
    }
    return word;
  }
  if (isForbidden) return undefined;
  const found = configFileNames.filter((name) => existsSync(join(folder, name)));
  if (found.length > 1) {
    throw new UsageError("bad-config", `There are ${found.join(" and ")}, and only one may hold.`, {
      hint: "Remove the others, or name one with --config.",
    });
  }
  return found[0];
}

/** Whether the command line gives an option, in whichever of the spellings that yargs takes. */
function isTyped(name: string, typed: readonly string[]): boolean {
  const camel = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const spellings = [name, camel].flatMap((each) => [`--${each}`, `--no-${each}`]);
  return typed.some((word) => spellings.some((spelling) => word === spelling || word.startsWith(`${spelling}=`)));
}

async function parseConfig(file: string, folder: string): Promise<unknown> {
  const extension = extname(file);
  if (![".json", ".yaml", ".yml"].includes(extension)) {
    throw new UsageError("bad-config", `${file} is no config file: its name has to end with .json, .yaml or .yml.`);
  }
  try {
    const text = await readFile(join(file.startsWith("/") ? "" : folder, file), "utf8");
    // YAML takes all of JSON and more, but what is called JSON has to be that for other readers too.
    if (extension === ".json") JSON.parse(text);
    // Unlike JSON.parse it says where a name stands twice.
    const document = parseDocument(text, { prettyErrors: true });
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    return document.toJS();
  } catch (thrown) {
    const [first = ""] = messageOf(thrown).split("\n");
    throw new UsageError("bad-config", `${file} cannot be read: ${first.replace(/[.:]$/, "")}.`, { cause: thrown });
  }
}

/** The part of each command; a file without a word has none. */
function sectionsOf(
  config: unknown,
  commands: ReadonlyMap<string, unknown>,
  faults: string[],
): ReadonlyMap<string, ReadonlyMap<string, unknown>> {
  if (config === null || config === undefined) return new Map();
  const named = entriesOf(config);
  if (named === undefined) {
    faults.push("it has to hold an object with a command's options under the command's name");
    return new Map();
  }
  const sections = new Map<string, ReadonlyMap<string, unknown>>();
  for (const [name, section] of named) {
    // For editors, which find the schema by it.
    if (name === "$schema") continue;
    const entries = entriesOf(section);
    if (!commands.has(name)) faults.push(`${name} is no command, which are ${[...commands.keys()].join(", ")}`);
    else if (entries === undefined) faults.push(`${name} has to be an object of options`);
    else sections.set(name, entries);
  }
  return sections;
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
}

/** The words of every option that a part of the file gives. Values are never quoted in a fault: one could be a secret in the wrong place. */
function optionWordsOf(
  command: string,
  section: ReadonlyMap<string, unknown>,
  options: readonly CommandOption[],
  faults: string[],
): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, readonly string[]>();
  for (const [name, value] of section) {
    const key = `${command}.${name}`;
    const option = options.find((each) => each.name === name);
    if (option === undefined || option.isPositional) {
      faults.push(`${key} ${whyNot(name, option, options)}`);
      continue;
    }
    const found = wordsOf(option, value);
    if (typeof found === "string") faults.push(`${key} ${found}`);
    else words.set(name, found);
  }
  return words;
}

function whyNot(name: string, positional: CommandOption | undefined, options: readonly CommandOption[]): string {
  if (positional !== undefined) return "has no flag and belongs on the command line";
  if (generalOptions.some((general) => general === name)) return "belongs on the command line";
  const kebab = name.replace(/^--/, "").replaceAll(/[A-Z_]/g, (letter) => `-${letter.replace("_", "").toLowerCase()}`);
  const isMisspelt = options.some((each) => each.name === kebab && !each.isPositional);
  return `is no option${isMisspelt ? `, but ${kebab} is` : ""}`;
}

/** The words of one option, or what is wrong with its value. */
function wordsOf(option: CommandOption, value: unknown): readonly string[] | string {
  const { name, isFlag, isNumber, isRepeatable, isList, choices } = option;
  if (isFlag) return typeof value === "boolean" ? [value ? `--${name}` : `--no-${name}`] : "takes true or false";
  if (isNumber) return typeof value === "number" && Number.isFinite(value) ? [`--${name}=${value}`] : "takes a number";
  const texts = Array.isArray(value) && (isRepeatable || isList) ? value.map(textOf) : [textOf(value)];
  const known = texts.filter((text) => text !== undefined);
  if (known.length < texts.length) return `takes text${isRepeatable || isList ? ", or an array of it" : ""}`;
  if (choices.length > 0 && known.some((text) => !choices.includes(text))) return `takes one of ${choices.join(", ")}`;
  return isList ? [`--${name}=${known.join(",")}`] : known.map((text) => `--${name}=${text}`);
}

/** A number is what it reads like, so that `"secrets": 50` needs no quotes. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" && Number.isFinite(value) ? String(value) : undefined;
}
