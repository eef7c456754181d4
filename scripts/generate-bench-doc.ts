import { readFileSync } from "node:fs";
import { join } from "node:path";
import { escapeMarkdown } from "../reports/escape.ts";
import { benchmarks } from "../suites/bench/index.ts";
import { root } from "./steps.ts";

/** The page that has the generated list of benchmarks in it, from the root. */
export const benchDocFile = "docs/bench.md";

const begin = "<!-- Made by `npm run generate` of the benchmarks in suites/bench. -->";
const end = "<!-- The end of what is made. -->";

/** The text that {@link benchDocFile} has to have: what stands there, with the list of benchmarks as they are. */
export function generateBenchDoc(): string {
  const text = readFileSync(join(root, benchDocFile), "utf8");
  const [before, rest = ""] = text.split(begin);
  const [, after] = rest.split(end);
  if (after === undefined) throw new Error(`${benchDocFile} lacks the marks between which the list of benchmarks stands.`);
  return `${before}${begin}\n\n${list()}\n\n${end}${after}`;
}

function list(): string {
  const heads = ["benchmark", "answers", "takes", "needs", "what is known without it", "own options"];
  const rows = Object.values(benchmarks).map(({ id, question, takes, needs, knownBefore, own = [] }) => [
    `\`${id}\``,
    ...[question, takes, needs, knownBefore].map(escapeMarkdown),
    own
      .map(({ name, describe, default: preset }) => `\`--${name}\`: ${escapeMarkdown(describe)}${preset === "" ? "" : ` (\`${preset}\`)`}`)
      .join("; "),
  ]);
  return [heads, heads.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
