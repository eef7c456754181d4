import { surfaceOf, wrap } from "../../reports/layout.ts";
import { type Benchmark, benchDefaults } from "../../suites/bench/benchmark.ts";

/** The benchmarks with their questions and what peers leave open, for a terminal or as JSON. */
export function listBenchmarks(benchmarks: readonly Benchmark[], { json, columns }: { json: boolean; columns: number }): string {
  if (json) return `${JSON.stringify(benchmarks.map(described), null, 2)}\n`;
  const { width } = surfaceOf(columns);
  return benchmarks
    .map((benchmark) => {
      const { id, question, knownBefore, takes, needs } = benchmark;
      const own = (benchmark.own ?? []).map(({ name, describe, default: word }) => `--${name}: ${describe} (${word})`);
      const lines = [
        ["answers", question],
        ["known", knownBefore],
        ["takes", takes],
        ["needs", needs],
        ...own.map((option, at) => [at === 0 ? "options" : "", option]),
      ];
      return [
        `${id}\n`,
        ...lines.map(([label = "", text = ""]) => `${wrap(text, width, `  ${label.padEnd(labelWidth)}`).join("\n")}\n`),
      ].join("");
    })
    .join("\n");
}

/** All that can be said of a benchmark without running it. */
function described({ id, question, knownBefore, takes, needs, measures, understands, defaults, own = [] }: Benchmark): object {
  return {
    id,
    question,
    knownBefore,
    takes,
    needs,
    measures,
    understands,
    defaults: { ...benchDefaults, ...defaults },
    own: own.map((option) => ({ name: option.name, describe: option.describe, default: option.default })),
  };
}

const labelWidth = 10;
