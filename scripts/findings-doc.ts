import type { Result } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
import { escapeMarkdown } from "../reports/escape.ts";
import { benchmarks } from "../suites/bench/index.ts";

/** The file that holds what the benchmarks found, from the root. */
export const findingsDocFile = "docs/findings.md";

/**
 * The text of {@link findingsDocFile}, made of run folders of `kmsmark bench`: each benchmark's question, its answer in this run's figures, and what they
 * were measured on.
 * @throws Error for a run without findings, one that did not end, and one on the model, whose figures are nobody's
 */
export function findingsDoc(results: readonly Result[]): string {
  const sections = results.flatMap(sectionsOf);
  const order = Object.keys(benchmarks);
  const sorted = sections.toSorted((one, other) => order.indexOf(one.benchmark) - order.indexOf(other.benchmark));
  const parts = [
    "# What the benchmarks found",
    [
      "Made by `node scripts/findings.ts RUN…` of run folders of `kmsmark bench`. The figures are those of one run on one machine; the counts of KMS calls",
      "hold on any, and where it says so are the ones that the model of the API server made of the same scenario before.",
    ].join("\n"),
    ...sorted.map(({ text }) => text),
  ];
  return `${parts.join("\n\n")}\n`;
}

interface Section {
  readonly benchmark: string;
  readonly text: string;
}

function sectionsOf(result: Result): Section[] {
  const { header, status, findings } = result;
  if (status !== "complete") throw new Error(`The run of ${header.startedAt} did not end: ${status}.`);
  if (header.target?.isModel === true) throw new Error(`The run of ${header.startedAt} is one on the model.`);
  if (findings.length === 0) throw new Error(`The run of ${header.startedAt} has no findings.`);
  return [...Map.groupBy(findings, ({ benchmark }) => benchmark)].map(([benchmark, of]) => {
    const lines = [
      `## ${benchmark}`,
      escapeMarkdown(benchmarks[benchmark]?.question ?? ""),
      of.map(({ text }) => `- ${escapeMarkdown(text)}`).join("\n"),
      [countsOf(result), ...faultsOf(result)].filter((sentence) => sentence !== "").join(" "),
      measuredOn(result),
    ];
    return { benchmark, text: lines.filter((line) => line !== "").join("\n\n") };
  });
}

/** Whether the model said so before. */
function countsOf({ cells }: Result): string {
  const predictions = cells.flatMap(({ phases }) => phases.flatMap((phase) => phase.predictions));
  const right = predictions.filter(({ seen, least, most }) => seen >= least && seen <= most);
  if (predictions.length === 0) return "";
  const exact = right.filter(({ least, most }) => least === most).length;
  return `Of ${predictions.length} counts that the model made before, kube-apiserver agrees with ${right.length}: ${exact} to the number, ${right.length - exact} within a range.`;
}

function faultsOf(result: Result): string[] {
  return verdicts(result).sentences.flatMap(({ text, isFault }) => (isFault ? [escapeMarkdown(`Fault of the run: ${text}`)] : []));
}

function measuredOn({ header }: Result): string {
  const { target, machine, startedAt, kmsmark, plugin } = header;
  const server = target === null ? "" : `kube-apiserver ${target.kubernetes}, etcd ${target.etcd ?? "unknown"} (${target.kind}), `;
  const memory = `${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return escapeMarkdown(
    `${startedAt.slice(0, 10)}, ${server}${plugin ?? "no plugin"}, ${machine.cpus} × ${machine.cpu}, ${memory}, ${machine.system}, Node.js ${machine.node}, kmsmark ${kmsmark}, seed ${header.seed}.`,
  );
}
