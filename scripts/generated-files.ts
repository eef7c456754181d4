import { commandOptionsFile, generateCommandOptions } from "./generate-command-options.ts";
import { configSchemaFile, generateConfigSchema } from "./generate-config-schema.ts";
import { generateDocs } from "./generate-docs.ts";
import { generateFormatSchemas } from "./generate-format-schemas.ts";

/** What `npm run generate` makes of the code once its index is fresh: each file's path from the root, and its text. */
export async function generatedFiles(): Promise<(readonly [path: string, text: string])[]> {
  return [
    ...(await generateDocs()),
    [commandOptionsFile, await generateCommandOptions()],
    [configSchemaFile, await generateConfigSchema()],
    ...generateFormatSchemas(),
  ];
}
