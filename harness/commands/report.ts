import { renderComparison } from "../../reports/comparison.ts";
import { comparisonJson } from "../../reports/comparison-json.ts";
import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import { systemClock } from "../clock.ts";
import { type CommandContext, defineCommand, type ExitCode } from "../command.ts";
import { isFile, readSide, writeBaseline } from "../compare/baseline.ts";
import { sidesBetween } from "../compare/between.ts";
import { compare } from "../compare/compare.ts";
import { parseLimit } from "../compare/limit.ts";
import { sideOf } from "../compare/side.ts";
import { UsageError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { type Comparison, isBroken } from "../run/comparison.ts";
import { folderFault } from "../run/folder-fault.ts";
import { lookOf } from "../run/look.ts";
import { mergeRuns } from "../run/merge.ts";
import { readRun } from "../run/read-run.ts";
import { createRunFolder } from "../run/run-folder.ts";
import type { Result } from "../run/schema.ts";
import { writeComparison, writeReports } from "./write-reports.ts";

export const command = defineCommand({
  usage: "report <run> [others..]",
  summary: "Makes the reports of a run again, from its folder alone; compares two runs, or cells of one; or merges runs.",
  examples: [
    { line: "kmsmark report runs/2026-11-23T23-55-01-bench", does: "shows the run and writes its reports anew" },
    { line: "kmsmark report runs/2026-11-23T23-55-01-bench --json", does: "prints the result for machines" },
    {
      line: "kmsmark report runs/2026-11-23T23-55-01-bench --save-baseline baseline.json",
      does: "keeps what is compared in one small file",
    },
    {
      line: "kmsmark report baseline.json runs/2026-11-23T23-55-01-bench --fail-on 'write.p99 > +10%'",
      does: "compares, and ends with 1 where writes became slower by more than 10 %",
    },
    { line: "kmsmark report runs/2026-11-23T23-55-01-bench --between kms-v1 --between kms-v2", does: "compares two providers of one run" },
    { line: "kmsmark report runs/runner-1 runs/runner-2 runs/runner-3 --merge", does: "shows the runs of three machines in one report" },
  ],
  repeatable: ["fail-on", "between"],
  options: (yargs) =>
    yargs
      .positional("run", { type: "string", demandOption: true, describe: "The folder of the run; to compare, also a baseline" })
      .positional("others", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "The folder or the baseline of a run that is compared with it; with --merge, folders of runs",
      })
      .option("merge", { type: "boolean", default: false, describe: "Put runs of several machines together, cells side by side" })
      .option("fail-on", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "A change that is a regression, 'write.p99 > +10%'; may be given several times",
      })
      .option("between", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "Given twice: cells of the run that are compared, kms-v1 and kms-v2 for instance",
      })
      .option("save-baseline", { type: "string", describe: "File to keep what of the run is compared" })
      .option("out", {
        type: "string",
        describe:
          "Folder for a merged run, a new one in runs by default; or for the reports of a comparison, that of the other run by default",
      })
      .option("json", { type: "boolean", default: false, describe: "Print the result, or the comparison, as JSON" }),
  async run(given, context) {
    const { run, others, out, json: isJson } = given;
    const [other, ...more] = others;
    const baseline = given["save-baseline"];
    if (given.merge) {
      if (given["fail-on"].length + given.between.length > 0)
        throw new UsageError("merge-alone", "--fail-on and --between compare, and --merge does not.", {
          hint: "Merge first, then compare the merged run.",
        });
      return mergeInto({ runs: [run, ...others], out, baseline, isJson }, context);
    }
    if (more.length > 0) {
      throw new UsageError("too-many-runs", `A comparison is of two runs, and ${others.length + 1} are named.`, {
        hint: "--merge puts the runs of several machines together.",
      });
    }
    const toCompare = { run, out, isJson, expressions: given["fail-on"] };
    if (given.between.length > 0) {
      if (other !== undefined || baseline !== undefined)
        throw new UsageError("between-two", "--between compares cells of one run, and nothing else.");
      return compareCells({ ...toCompare, between: given.between }, context);
    }
    if (other !== undefined) {
      if (baseline !== undefined) throw new UsageError("baseline-of-two", "A baseline is saved of one run, not of two.");
      return compareRuns({ ...toCompare, other }, context);
    }
    if (given["fail-on"].length > 0 || out !== undefined) {
      throw new UsageError("nothing-to-compare-with", "--fail-on and --out belong to a comparison, and only one run is named.", {
        hint: "Name the run or the baseline to compare with first, then the run.",
      });
    }
    const result = await readRun(run);
    if (baseline !== undefined) await writeBaseline(baseline, sideOf(result));
    await writeReports(run, result);
    context.stdout.write(
      isJson ? json.render(result) : renderTerminal(result, context.columns, lookOf(context.stdout, context.environment).paint),
    );
    // The reports are made, whatever they say: the verdict on the run was given when it ran.
    return 0;
  },
});

interface ToMerge {
  readonly runs: readonly string[];
  readonly out: string | undefined;
  readonly baseline: string | undefined;
  readonly isJson: boolean;
}

/** Makes one run of several, in a folder of its own; theirs stay as they are. */
async function mergeInto(
  { runs, out, baseline, isJson }: ToMerge,
  { stdout, stderr, columns, environment }: CommandContext,
): Promise<ExitCode> {
  const read: Result[] = [];
  for (const run of runs) read.push(await readRun(run));
  const merged = mergeRuns(read);
  await using folder = await createRunFolder({ command: "merge", out, clock: systemClock });
  if (baseline !== undefined) await writeBaseline(baseline, sideOf(merged));
  await writeReports(folder.path, merged);
  stdout.write(isJson ? json.render(merged) : renderTerminal(merged, columns, lookOf(stdout, environment).paint));
  if (!isJson) stderr.write(`The merged run is in ${folder.path}; report.html there shows it.\n`);
  return 0;
}

interface ToCompare {
  readonly run: string;
  readonly out: string | undefined;
  readonly isJson: boolean;
  readonly expressions: readonly string[];
}

async function compareRuns({ run, other, ...how }: ToCompare & { readonly other: string }, context: CommandContext): Promise<ExitCode> {
  const limits = how.expressions.map(parseLimit);
  return showComparison(compare(await readSide(run), await readSide(other), limits), { ...how, run: other }, context);
}

async function compareCells(
  { between, ...how }: ToCompare & { readonly between: readonly string[] },
  context: CommandContext,
): Promise<ExitCode> {
  const limits = how.expressions.map(parseLimit);
  const { base, other, names } = sidesBetween(await readSide(how.run), between);
  return showComparison(compare(base, other, limits, names), how, context);
}

/** Prints a comparison and writes its reports into `out`, or into the run's folder if it is one. */
async function showComparison(
  comparison: Comparison,
  { run, out, isJson }: ToCompare,
  { stdout, columns, environment }: CommandContext,
): Promise<ExitCode> {
  stdout.write(isJson ? comparisonJson.render(comparison) : renderComparison(comparison, columns, lookOf(stdout, environment).paint));
  if (out !== undefined) {
    await makeFolder(out).catch((thrown: unknown) => Promise.reject(folderFault(out, thrown)));
    await writeComparison(out, comparison);
  } else if (!(await isFile(run))) {
    await writeComparison(run, comparison);
  }
  return comparison.limits.some(isBroken) ? 1 : 0;
}
