import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { passes, root } from "./steps.ts";

/** `npm run build`: compiles the sources to `dist/`, the folder that the published package consists of. */
await rm(join(root, "dist"), { recursive: true, force: true });
if (await passes({ title: "compile", words: ["tsc", "-p", "tsconfig.build.json"] })) {
  await chmod(join(root, "dist/harness/cli.js"), 0o755);
} else {
  process.exitCode = 1;
}
