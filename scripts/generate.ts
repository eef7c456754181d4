import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateIndex, indexFile } from "./generate-index.ts";
import { root } from "./steps.ts";

// `npm run generate`: the files that are made of other ones. `scripts/generated-files.test.ts` fails where one is stale.
writeFileSync(join(root, indexFile), generateIndex());
const { checksDocFile, generateChecksDoc } = await import("./generate-checks-doc.ts");
writeFileSync(join(root, checksDocFile), generateChecksDoc());
const { benchDocFile, generateBenchDoc } = await import("./generate-bench-doc.ts");
writeFileSync(join(root, benchDocFile), generateBenchDoc());
const { commandOptionsFile, generateCommandOptions } = await import("./generate-command-options.ts");
writeFileSync(join(root, commandOptionsFile), await generateCommandOptions());
const { configSchemaFile, generateConfigSchema } = await import("./generate-config-schema.ts");
writeFileSync(join(root, configSchemaFile), await generateConfigSchema());
