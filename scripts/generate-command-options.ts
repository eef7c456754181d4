import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import yargs, { type Argv } from "yargs";
import { z } from "zod";
import { type CommandFacts, type CommandOption, generalOptions } from "../harness/command-option.ts";
import { root } from "./steps.ts";

/** The generated list of all options of all commands, from the root. */
export const commandOptionsFile = "harness/command-options.json";

/** A command as it is loaded here: what it does with its words is not of interest. */
export interface LoadedCommand extends CommandFacts {
  readonly usage: string;
  readonly summary: string;
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  options(yargs: Argv): unknown;
}

/** What yargs knows of the options that were declared; its types do not have the call. */
const declaredSchema = z.object({
  key: z.record(z.string(), z.unknown()),
  array: z.array(z.string()),
  boolean: z.array(z.string()),
  number: z.array(z.string()),
  choices: z.record(z.string(), z.array(z.string())),
});
const groupsSchema = z.object({ "Positionals:": z.array(z.string()).default([]) });
const internalsSchema = z.object({
  getOptions: z.function({ input: [], output: declaredSchema }),
  getGroups: z.function({ input: [], output: groupsSchema }),
});

/** Every command that there is, by its name in alphabetical order. */
export async function loadCommands(): Promise<ReadonlyMap<string, LoadedCommand>> {
  const folder = join(root, "harness/commands");
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .filter((name) => /^export const command\b/m.test(readFileSync(join(folder, name), "utf8")))
    .toSorted();
  const loaded = await Promise.all(
    files.map(async (name): Promise<[string, LoadedCommand]> => {
      const { command }: { command: LoadedCommand } = await import(join(folder, name));
      return [command.usage.replace(/ .*/s, ""), command];
    }),
  );
  return new Map(loaded);
}

/** The options and positionals of a command, in the order in which it declares them. */
export function optionsOf(command: LoadedCommand): CommandOption[] {
  const { repeatable = [], lists = [], proposals = {} } = command;
  const cli = yargs();
  command.options(cli);
  const internals = internalsSchema.parse({
    getOptions: Reflect.get(cli, "getOptions").bind(cli),
    getGroups: Reflect.get(cli, "getGroups").bind(cli),
  });
  const declared = internals.getOptions();
  const positionals = internals.getGroups()["Positionals:"];
  return Object.keys(declared.key)
    .filter((name) => !generalOptions.some((general) => general === name))
    .map((name) => ({
      name,
      isPositional: positionals.includes(name),
      isFlag: declared.boolean.includes(name),
      isNumber: declared.number.includes(name),
      isRepeatable: repeatable.includes(name) || (positionals.includes(name) && declared.array.includes(name)),
      isList: lists.includes(name),
      choices: declared.choices[name] ?? [],
      proposals: proposals[name] ?? [],
    }));
}

/** The text that {@link commandOptionsFile} has to have: a line an option. */
export async function generateCommandOptions(): Promise<string> {
  const commands = [...(await loadCommands())].map(([name, command]) => {
    const lines = optionsOf(command).map((option) => `    ${JSON.stringify(option)}`);
    return `  ${JSON.stringify(name)}: [\n${lines.join(",\n")}\n  ]`;
  });
  return `{\n${commands.join(",\n")}\n}\n`;
}
