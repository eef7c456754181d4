import { type Benchmark, benchDefaults } from "../../suites/bench/benchmark.ts";

/** The benchmarks with their questions and what peers leave open, for a terminal or as JSON. */
export function listBenchmarks(benchmarks: readonly Benchmark[], { json, columns }: { json: boolean; columns: number }): string {
  if (json) return `${JSON.stringify(benchmarks.map(described), null, 2)}\n`;
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
      return [`${id}\n`, ...lines.map(([label = "", text = ""]) => hanging(label, text, columns))].join("");
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

/** A label with its text beside it, in as many lines as it needs. */
function hanging(label: string, text: string, columns: number): string {
  const room = Math.max(40, columns - labelWidth - 2);
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map((line, at) => `  ${(at === 0 ? label : "").padEnd(labelWidth)}${line}\n`).join("");
}
