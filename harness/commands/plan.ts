import { randomBytes } from "node:crypto";
import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import { systemClock as clock } from "../clock.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { planOf } from "../plan/plan.ts";
import { parseStatedLimit } from "../plan/stated-limit.ts";
import { parseSweep } from "../plan/sweep.ts";
import { lookOf } from "../run/look.ts";
import { clockResolutionNs, machineFacts } from "../run/machine.ts";
import { createRunFolder } from "../run/run-folder.ts";
import type { Header } from "../run/schema.ts";
import { verdicts } from "../run/verdict.ts";
import type { ClusterFacts } from "../target/cluster-facts.ts";
import { kmsmarkVersion } from "../version.ts";
import { fileFields, fleetFrom, fleetOptions, givenFields, optionOf, priceTableOf } from "./plan-options.ts";
import { fieldsOfCluster, fieldsOfRun } from "./plan-sources.ts";
import { writeReports } from "./write-reports.ts";

export const command = defineCommand({
  usage: "plan",
  summary: "Predicts what a fleet asks of its KMS: calls, quota, cold starts, outages, cost.",
  examples: [
    {
      line: "kmsmark plan --secrets 10000 --api-servers 3 --kms v1 --kms-latency 40ms --quota 1000",
      does: "how long a cold start takes with KMS v1, and what would change that",
    },
    {
      line: "kmsmark plan --secrets 5000 --prices aws --rollout-every 1d --limit 'ready-all <= 30s'",
      does: "exits with 1 if a start would take longer",
    },
    { line: "kmsmark plan --secrets 1000 --sweep secrets=50..10e6", does: "draws the figures over the number of Secrets" },
  ],
  repeatable: ["limit"],
  options: (yargs) =>
    fleetOptions(yargs)
      .option("file", {
        type: "string",
        requiresArg: true,
        describe: "YAML or JSON with the same names in camel case, such as apiServers: 3",
      })
      .option("from", { type: "string", requiresArg: true, describe: "Folder of a measured run; gives the latency of the KMS and more" })
      .option("from-cluster", {
        type: "boolean",
        default: false,
        describe: "Read counts and rates from the cluster of --kubeconfig, never values",
      })
      .option("kubeconfig", { type: "string", requiresArg: true, describe: "Of the cluster to read" })
      .option("context", { type: "string", requiresArg: true, describe: "Of the kubeconfig" })
      .option("sweep", { type: "string", requiresArg: true, describe: "A field and its values: secrets=50..10e6 or apiServers=1,3,5" })
      .option("limit", {
        type: "string",
        array: true,
        requiresArg: true,
        default: [],
        describe: "What must hold, or the exit code is 1: 'ready-all <= 30s', 'quota-use < 80%'",
      })
      .option("seed", { type: "string", requiresArg: true, describe: "Repeats a plan to the digit; 1 if not given" })
      .option("out", { type: "string", requiresArg: true, describe: "Folder of the plan; runs/<time>-plan if not given" })
      .option("json", { type: "boolean", default: false, describe: "Print the result as JSON" }),
  async run(given, { stdout, stderr, columns, environment, signal, line }) {
    const fromOptions = givenFields(given);
    const fromFile = given.file === undefined ? {} : await fileFields(given.file);
    const sources = [
      ...(given.from === undefined ? [] : [await fieldsOfRun(given.from, fromOptions["kms"] ?? fromFile["kms"])]),
      ...(given["from-cluster"] ? [fieldsOfCluster(await factsOf(given, signal))] : []),
    ];
    if (!given["from-cluster"] && given.kubeconfig !== undefined)
      throw new UsageError("no-from-cluster", "--kubeconfig goes with --from-cluster.");
    const described: Record<string, unknown> = Object.assign({}, ...sources.map(({ fields }) => fields), fromFile, fromOptions);
    let fleet = fleetFrom(described, fromOptions);
    const stated = given.limit.map(parseStatedLimit);
    const sweep = given.sweep === undefined ? undefined : parseSweep(given.sweep, described, optionOf);
    const prices = await priceTableOf(fleet.prices);
    if (given.seed?.trim() === "") throw new UsageError("bad-seed", "--seed takes a word.");
    const seed = given.seed ?? "1";
    const notes = sources.map(({ note }) => note);
    if (fleet.quota === undefined && prices?.callsPerSecondMax != null) {
      fleet = { ...fleet, quota: prices.callsPerSecondMax };
      notes.push(`The quota of ${prices.callsPerSecondMax} calls a second is that of the price table ${prices.name}: ${prices.note}.`);
    }

    await using folder = await createRunFolder({ command: "plan", out: given.out, clock });
    const header: Header = {
      runId: randomBytes(4).toString("hex"),
      command: "plan",
      arguments: [...line.words],
      startedAt: new Date(clock.wallMs()).toISOString(),
      seed,
      strict: false,
      kmsmark: kmsmarkVersion(),
      machine: machineFacts(),
      target: null,
      plugin: null,
      clock: { resolutionNs: clockResolutionNs(clock) },
      notes: [...line.notes, ...notes],
    };
    const journal = folder.startJournal(header);
    journal.append({ event: "plan", plan: planOf({ described, fleet, seed, prices, sweep, stated }) });
    journal.append({ event: "end", status: "complete", fault: null });
    const result = journal.result();
    stdout.write(given.json ? json.render(result) : renderTerminal(result, columns, lookOf(stdout, environment).paint));
    await writeReports(folder.path, result);
    if (!given.json) stderr.write(`The plan is in ${folder.path}; report.html there shows it.\n`);
    return verdicts(result).exitCode;
  },
});

async function factsOf(
  { kubeconfig, context }: { readonly kubeconfig: string | undefined; readonly context: string | undefined },
  signal: AbortSignal,
): Promise<ClusterFacts> {
  if (kubeconfig === undefined)
    throw new UsageError("no-kubeconfig", "--from-cluster reads the cluster of a kubeconfig: name it with --kubeconfig.");
  // Loaded here, because a plan of the command line needs no HTTP client and should answer at once.
  const { readClusterFacts } = await import("../target/cluster-facts.ts");
  const { readKubeconfig } = await import("../target/kubeconfig-access.ts");
  return await readClusterFacts(await readKubeconfig(kubeconfig, context), clock.wallMs(), signal);
}
