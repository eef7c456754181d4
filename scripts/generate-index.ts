import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkAreas } from "../harness/run/schema.ts";
import { root } from "./steps.ts";

/** The generated list of all checks, from the root. */
export const indexFile = "suites/conformance/index.ts";

const subjects = {
  plugin: { type: "PluginSubject", file: "plugin-subject" },
  envelope: { type: "EnvelopeSubject", file: "envelope-subject" },
  apiserver: { type: "ApiserverSubject", file: "apiserver-subject" },
  security: { type: "SecuritySubject", file: "security-subject" },
  config: { type: "ConfigSubject", file: "config-subject" },
} as const;

/** The text that {@link indexFile} has to have: every file that exports a check, by name. No scan at run time, no registration by import. */
export function generateIndex(): string {
  const areas = checkAreas.map((area) => ({ area, ...subjects[area], names: checkFiles(area) })).filter(({ names }) => names.length > 0);
  const imports = areas.flatMap(({ area, names }) =>
    names.map((name) => `import { check as ${identifierOf(area, name)} } from "./${area}/${name}.ts";`),
  );
  const types = areas.map(({ type, file }) => `import type { ${type} } from "./${file}.ts";`);
  const lists = areas.map(
    ({ area, type, names }) =>
      `export const ${area}Checks: readonly Check<${type}>[] = [\n${names.map((name) => `  ${identifierOf(area, name)},\n`).join("")}];`,
  );
  const all = areas.map(({ area }) => `  ...${area}Checks,\n`).join("");
  return [
    "// Made by `npm run generate` of the files that export a check; a test compares.",
    [...imports, 'import type { Check } from "./check.ts";', ...types].join("\n"),
    ...lists,
    `/** What can be said of every check without running it. */\nexport const allChecks: readonly Omit<Check<never>, "run">[] = [\n${all}];\n`,
  ].join("\n\n");
}

/** Names of the files of an area's folder that hold a check; none where there is no such folder. */
function checkFiles(area: string): string[] {
  const folder = join(root, "suites/conformance", area);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(
      (name) =>
        name.endsWith(".ts") && !name.endsWith(".test.ts") && /^export const check\b/m.test(readFileSync(join(folder, name), "utf8")),
    )
    .map((name) => name.slice(0, -3))
    .sort();
}

function identifierOf(area: string, name: string): string {
  return `${area}-${name}`.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
