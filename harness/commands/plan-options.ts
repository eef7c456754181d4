import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { parse } from "yaml";
import type { Argv } from "yargs";
import { z } from "zod";
import { priceTables } from "../../plugins/published-terms.ts";
import { messageOf, UsageError } from "../errors.ts";
import { type Fleet, fleetSchema, parseFleet } from "../plan/fleet.ts";
import { type PriceTable, priceTableSchema } from "../plan/price-table.ts";

const fields = Object.entries(fleetSchema.shape);

/** The option of a field: `apiServers` is `--api-servers`. */
export function optionOf(field: string): string {
  return `--${kebab(field)}`;
}

function kebab(field: string): string {
  return field.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/** Every field of a fleet as an option; all are words, which the fleet's schema reads. */
export function fleetOptions<Given>(yargs: Argv<Given>): Argv<Given> {
  for (const [field, schema] of fields)
    yargs.option(kebab(field), { type: "string", requiresArg: true, describe: schema.description ?? "" });
  return yargs;
}

/** What the options say, by the names of the fields; nothing for those that were not given. */
export function givenFields(given: object): Record<string, unknown> {
  return Object.fromEntries(
    fields.flatMap(([field]) => {
      const word: unknown = Reflect.get(given, kebab(field));
      return word === undefined ? [] : [[field, word]];
    }),
  );
}

/** What a file of YAML or JSON says. */
export async function fileFields(path: string): Promise<Record<string, unknown>> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(await readYaml(path));
  if (parsed.success) return parsed.data;
  throw new UsageError("bad-fleet-file", `${path} does not describe a fleet: it is no object of names and values.`);
}

async function readYaml(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, "utf8"));
  } catch (thrown) {
    throw new UsageError("file-unreadable", `${path} cannot be read: ${messageOf(thrown).split("\n")[0]}.`, { cause: thrown });
  }
}

/** The fleet that a file, a cluster, a run and the options describe together; the options have the last word, fields are called as they were given. */
export function fleetFrom(described: Readonly<Record<string, unknown>>, fromOptions: Readonly<Record<string, unknown>>): Fleet {
  return parseFleet(described, (field) => (field in fromOptions || !(field in described) ? optionOf(field) : field));
}

/** A table by its name, or of a file. */
export async function priceTableOf(word: string | undefined): Promise<PriceTable | undefined> {
  if (word === undefined) return undefined;
  const known = priceTables.find(({ name }) => name === word);
  if (known !== undefined) return known;
  if (![".json", ".yaml", ".yml"].includes(extname(word))) {
    throw new UsageError("unknown-prices", `There is no price table "${word}".`, {
      hint: `There are ${priceTables.map(({ name }) => name).join(", ")}, or name a .json or .yaml file of your own (docs/plan.md).`,
    });
  }
  const parsed = priceTableSchema.safeParse(await readYaml(word));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError("bad-prices", `The price table ${word} cannot be used: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}.`);
}
