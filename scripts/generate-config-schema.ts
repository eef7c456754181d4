import yargs from "yargs";
import { z } from "zod";
import type { CommandOption } from "../harness/command-option.ts";
import { type LoadedCommand, loadCommands, optionsOf } from "./generate-command-options.ts";

/** The published JSON Schema of `kmsmark.config.*`, by which editors complete and check one, from the root. */
export const configSchemaFile = "docs/schema/config.schema.json";

/** yargs knows the descriptions, but its types do not have the calls. */
const usageSchema = z.object({ getDescriptions: z.function({ input: [], output: z.record(z.string(), z.string().optional()) }) });

/** The text that {@link configSchemaFile} has to have. */
export async function generateConfigSchema(): Promise<string> {
  const commands = [...(await loadCommands())].map(([name, command]) => [name, sectionSchema(command)] as const);
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "kmsmark.config.json",
    description: "Options of kmsmark's commands, under the command's name, named like the flags. A flag on the command line goes before.",
    type: "object",
    properties: { $schema: { type: "string" }, ...Object.fromEntries(commands) },
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function sectionSchema(command: LoadedCommand): object {
  const descriptions = descriptionsOf(command);
  const properties = optionsOf(command)
    .filter(({ isPositional }) => !isPositional)
    .map((option) => [option.name, { description: descriptions[option.name] ?? "", ...valueSchema(option) }] as const);
  return {
    description: command.summary,
    type: "object",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

function valueSchema({ isFlag, isNumber, isRepeatable, isList, choices }: CommandOption): object {
  if (isFlag) return { type: "boolean" };
  if (isNumber) return { type: "number" };
  const one = choices.length > 0 ? { enum: choices } : { type: ["string", "number"] };
  return isRepeatable || isList ? { anyOf: [one, { type: "array", items: one }] } : one;
}

/** What `--help` says of each option, by its name. */
export function descriptionsOf(command: LoadedCommand): Readonly<Record<string, string | undefined>> {
  const cli = yargs();
  command.options(cli);
  const internals: unknown = Reflect.get(cli, "getInternalMethods").call(cli);
  const usage = z.object({ getUsageInstance: z.function({ input: [], output: usageSchema }) }).parse(internals);
  return usage.getUsageInstance().getDescriptions();
}
