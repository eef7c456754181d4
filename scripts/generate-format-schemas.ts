import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { baselineSchema } from "../harness/compare/baseline.ts";
import * as comparison from "../harness/run/comparison.ts";
import * as plan from "../harness/run/plan-schema.ts";
import * as run from "../harness/run/schema.ts";
import { root } from "./steps.ts";

/** A file of kmsmark's for which a JSON Schema is published. */
interface Format {
  /** Of the schema, from the root. */
  readonly file: string;
  readonly title: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly version: number;
}

const formats: readonly Format[] = [
  {
    file: "docs/schema/result.schema.json",
    title: "result.json",
    description:
      "What a run of kmsmark measured, checked or predicted. Names end in their units; durations are milliseconds, latencies nanoseconds, sizes bytes.",
    schema: run.resultSchema,
    version: run.resultVersion,
  },
  {
    file: "docs/schema/journal-entry.schema.json",
    title: "A line of journal.jsonl",
    description: "What happened in a run of kmsmark, written while it went on. The times of entries count from the run's start.",
    schema: run.journalEntrySchema,
    version: run.resultVersion,
  },
  {
    file: "docs/schema/baseline.schema.json",
    title: "A baseline",
    description: "What of a run of kmsmark is compared with later ones, as `kmsmark report RUN --save-baseline FILE` keeps it.",
    schema: baselineSchema,
    version: run.resultVersion,
  },
  {
    file: "docs/schema/comparison.schema.json",
    title: "comparison.json",
    description: "Two runs of kmsmark held against each other. Times are nanoseconds, sizes bytes, rates events a second.",
    schema: comparison.comparisonSchema,
    version: comparison.comparisonVersion,
  },
];

/** The parts of the formats by the names that they have in the sources, so that each is written down once. */
const parts = Object.entries({ ...run, ...plan, ...comparison }).flatMap(([name, part]) =>
  part instanceof z.ZodType ? [[name, part] as const] : [],
);

/** Each file's path from the root, and the text that it has to have. */
export function generateFormatSchemas(): (readonly [path: string, text: string])[] {
  const comments = commentsOf(
    ["schema", "plan-schema", "comparison"].map((name) => readFileSync(join(root, `harness/run/${name}.ts`), "utf8")).join("\n"),
  );
  return formats.map((format) => [format.file, textOf(format, comments)]);
}

function textOf({ file, title, description, schema, version }: Format, comments: Comments): string {
  const registry = z.registry<{ id: string }>();
  for (const [name, part] of parts) if (part !== schema) registry.add(part, { id: idOf(name) });
  const { $schema, $defs = {}, ...body } = z.toJSONSchema(schema, { metadata: registry, io: "input" });
  const described = parts.flatMap(([name, part]) => {
    const definition = $defs[idOf(name)];
    return part === schema || definition === undefined ? [] : [[idOf(name), withComments(definition, comments.get(name))]];
  });
  const [whole = ""] = parts.find(([, part]) => part === schema) ?? [];
  const [name = ""] = file.split("/").at(-1)?.split(".") ?? [];
  // No address: nothing has to be fetched to check a file.
  const head = { $schema, $id: `urn:kmsmark:${name}:${version}`, title, description };
  const text = { ...head, ...withComments(body, comments.get(whole)), $defs: { ...$defs, ...Object.fromEntries(described) } };
  return `${JSON.stringify(text, null, 2)}\n`;
}

function withComments(schema: z.core.JSONSchema.JSONSchema, comments: ReadonlyMap<string, string> = new Map()): object {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const description = comments.get(name);
    return [name, typeof property === "boolean" || description === undefined ? property : { description, ...property }];
  });
  return properties.length === 0 ? schema : { ...schema, properties: Object.fromEntries(properties) };
}

function idOf(name: string): string {
  return name.replace(/Schema$/, "");
}

/** By the name of a schema and of its field. */
type Comments = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What the sources say of the fields of their schemas. */
function commentsOf(source: string): Comments {
  const schemas = source.matchAll(/^export const (\w+) = z\.strictObject\(\{\n(.*?)^\}\);/gms);
  return new Map(
    Array.from(schemas, ([, schema = "", fields = ""]) => {
      const commented = fields.matchAll(/^ {2}\/\*\*(.*?)\*\/\n {2}(\w+):/gms);
      return [schema, new Map(Array.from(commented, ([, text = "", field = ""]) => [field, inOneLine(text)]))];
    }),
  );
}

function inOneLine(comment: string): string {
  return comment
    .replaceAll(/\n\s*\*\s?/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
