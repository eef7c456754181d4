import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateIndex, indexFile } from "./generate-index.ts";
import { root } from "./steps.ts";

// `npm run generate`: the files that are made of other ones. `scripts/generated-files.test.ts` fails where one is stale.
writeFileSync(join(root, indexFile), generateIndex());
const { commandOptionsFile, generateCommandOptions } = await import("./generate-command-options.ts");
writeFileSync(join(root, commandOptionsFile), await generateCommandOptions());
const { configSchemaFile, generateConfigSchema } = await import("./generate-config-schema.ts");
writeFileSync(join(root, configSchemaFile), await generateConfigSchema());
const { generateDocs } = await import("./generate-docs.ts");
for (const [path, text] of await generateDocs()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
