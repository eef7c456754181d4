import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateIndex, indexFile } from "./generate-index.ts";
import { root } from "./steps.ts";

// `npm run generate`: the files that are made of other ones. `scripts/generated-files.test.ts` fails where one is stale.
writeFileSync(join(root, indexFile), generateIndex());
const { generatedFiles } = await import("./generated-files.ts");
for (const [path, text] of await generatedFiles()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
