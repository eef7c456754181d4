import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { navigated } from "./doc-navigation.ts";
import { withSnippets } from "./doc-snippets.ts";
import { benchDocFile, generateBenchDoc } from "./generate-bench-doc.ts";
import { checksDocFile, generateChecksDoc } from "./generate-checks-doc.ts";
import { generateCommandDocs } from "./generate-command-docs.ts";
import { root } from "./steps.ts";

/** Every page of docs/ by its path from the root, as it has to be: what is made of the code is made, the rest is as it stands. */
export async function generateDocs(): Promise<Map<string, string>> {
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const pages = new Map(
    readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name): [string, string] => [join("docs", name), withSnippets(read(join("docs", name)), read)]),
  );
  pages.set(checksDocFile, generateChecksDoc());
  pages.set(benchDocFile, generateBenchDoc());
  for (const [path, text] of await generateCommandDocs()) pages.set(path, text);
  return new Map([...pages].map(([path, text]) => [path, navigated(path, text)]));
}
