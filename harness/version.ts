import { readFileSync } from "node:fs";
import { z } from "zod";

const manifestSchema = z.object({ version: z.string() });

/** The version in kmsmark's own package.json, which lies one folder higher from the source than from the build. */
export function kmsmarkVersion(): string {
  const here = import.meta.url.endsWith(".ts") ? "../package.json" : "../../package.json";
  return manifestSchema.parse(JSON.parse(readFileSync(new URL(here, import.meta.url), "utf8"))).version;
}
