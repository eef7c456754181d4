import { emulators } from "../../plugins/emulators.ts";
import type { ProviderName } from "../../plugins/provider-choice.ts";
import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import type { Bench, Benchmark } from "../../suites/bench/benchmark.ts";
import { benchmarks } from "../../suites/bench/index.ts";
import { systemClock } from "../clock.ts";
import { defineCommand } from "../command.ts";
import { type EmulatorProcess, startEmulatorProcess } from "../emulator-process.ts";
import { messageOf, UsageError } from "../errors.ts";
import { requireListening } from "../kms/socket.ts";
import { Lease, sweepLeases } from "../lease.ts";
import { localProvider } from "../plugin-process.ts";
import { clockResolutionNs, machineFacts } from "../run/machine.ts";
import { Progress, progressMode } from "../run/progress.ts";
import { createRunFolder } from "../run/run-folder.ts";
import { benchProviders, type Header } from "../run/schema.ts";
import { type Condition, judgeThreshold } from "../run/threshold.ts";
import { verdicts } from "../run/verdict.ts";
import { chooseTarget, type TargetChoice } from "../target/choose.ts";
import { defaultVersions, removeContainer, showProgress } from "../target/install/index.ts";
import { type ControlPlaneSpec, type Target, targetKinds } from "../target/target.ts";
import { kmsmarkVersion } from "../version.ts";
import { parseBenchWords } from "./bench-options.ts";
import { termNotes } from "./bench-terms.ts";
import { parseThresholds } from "./bench-thresholds.ts";
import { bundledProviderOf, withBundledProviderFlags } from "./provider-flags.ts";
import { writeReports } from "./write-reports.ts";

export const command = defineCommand({
  usage: "bench [suite..]",
  summary: "Measures what encryption at rest costs: latency of the API, calls of the KMS, bytes in etcd.",
  examples: [
    { line: "kmsmark bench", does: "50 Secrets without encryption and with KMS v2, on the best control plane that is there" },
    {
      line: "kmsmark bench --target processes --secrets 50,500 --providers identity,kms-v2,kms-v1",
      does: "two sizes, three providers, a real one",
    },
    { line: "kmsmark bench --socket unix:///run/kms.sock --providers kms-v2", does: "somebody's plugin instead of the bundled one" },
    {
      line: "kmsmark bench --providers kms-v2 --threshold 'kms-v2.write.p99<20ms' --threshold 'kms-v2.write.encrypts<=1'",
      does: "ends with 1 where either does not hold",
    },
  ],
  repeatable: ["emulate-fault", "threshold"],
  options: (yargs) =>
    withBundledProviderFlags(yargs)
      .positional("suite", { type: "string", array: true, default: ["lifecycle"], describe: "Which benchmarks; --list names them" })
      .option("list", { type: "boolean", default: false, describe: "Name the benchmarks and their questions, and measure nothing" })
      .option("target", { choices: ["auto", ...targetKinds] as const, default: "auto" as const, describe: "The control plane to measure" })
      .option("secrets", { type: "string", default: "50", describe: "How many Secrets; several numbers make several rounds" })
      .option("providers", { type: "string", default: "identity,kms-v2", describe: `Of ${benchProviders.join(", ")}` })
      .option("rate", { type: "number", default: 200, describe: "Requests a second, each due at its time whatever became of the others" })
      .option("in-flight", { type: "number", default: 64, describe: "The most requests that are sent and not answered" })
      .option("closed-loop", {
        type: "boolean",
        default: false,
        describe: "As fast as the server answers --in-flight clients, instead of --rate",
      })
      .option("cachesize", { type: "number", default: 1000, describe: "How many DEKs the API server keeps with KMS v1" })
      .option("socket", { type: "string", describe: "Socket of a plugin to use instead of the bundled one" })
      .option("emulate", { type: "boolean", default: false, describe: "Put the provider's local cloud behind the bundled plugin" })
      .option("emulate-fault", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "A fault of that cloud, as emulate takes it with --fault; may be given several times",
      })
      .option("kubernetes", { type: "string", default: defaultVersions.kubernetesVersion, describe: "Version of kube-apiserver" })
      .option("etcd", { type: "string", default: defaultVersions.etcdVersion, describe: "Version of etcd" })
      .option("feature-gates", { type: "string", default: "", describe: "For kube-apiserver, as it takes them: A=true,B=false" })
      .option("kubeconfig", { type: "string", describe: "Of the cluster to attach to" })
      .option("context", { type: "string", describe: "Of the kubeconfig" })
      .option("attached-etcd", { type: "string", describe: "URL of that cluster's etcd, if its stored values may be read" })
      .option("attached-etcd-cacert", { type: "string", describe: "PEM file of the authority of that etcd" })
      .option("attached-etcd-cert", { type: "string", describe: "PEM file of a client certificate for it" })
      .option("attached-etcd-key", { type: "string", describe: "PEM file of the certificate's key" })
      .option("seed", { type: "string", describe: "Repeats the workload of the run that printed it" })
      .option("threshold", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "A condition on what is measured, 'kms-v2.write.p99<20ms', without which it ends with 1; may be given several times",
      })
      .option("out", { type: "string", describe: "Folder of the run; runs/TIME-bench by default" })
      .option("json", { type: "boolean", default: false, describe: "Print the result as JSON, and no progress" }),
  async run(given, { signal, stdout, stderr, environment, columns }) {
    if (given.list) {
      for (const { id, question } of Object.values(benchmarks)) stdout.write(`${id}\n  ${question}\n`);
      return 0;
    }
    const clock = systemClock;
    // Of a local cloud the provider's options are known only once it serves.
    const known = given.emulate ? localProvider : bundledProviderOf(given, environment);
    const { options: wanted, suites } = parseBenchWords(given, known);
    const conditions = parseThresholds(
      given.threshold,
      suites.map((benchmark) => ({ benchmark, options: wanted })),
    );
    if (given.emulate && emulators[given.provider] === undefined) {
      throw new UsageError("no-emulator", `There is no local cloud for the provider ${given.provider}.`, {
        hint: "Say with --provider which KMS is behind the bundled plugin; `kmsmark emulate --list` names the clouds.",
      });
    }
    if (wanted.pluginSocket !== undefined) await requireListening(wanted.pluginSocket);
    using progress = new Progress({ stream: stderr, mode: progressMode(stderr, { quiet: given.json, environment }), clock });
    await sweepLeases(removeContainer);
    using installing = showProgress(stderr, clock);
    const { target, refused, headline } = await chooseTarget({
      ...wanted,
      wanted: given.target,
      kubeconfig: given.kubeconfig,
      context: given.context,
      attachedEtcd: attachedEtcdOf(given),
      environment,
      progress: installing.report,
      clock,
      signal,
    });
    installing[Symbol.dispose]();
    progress.say(headline);
    await using folder = await createRunFolder({ command: "bench", out: given.out, clock });
    progress.say(`Seed ${wanted.seed}; the run goes to ${folder.path}.`);

    await using lease = Lease.take("bench", removeContainer);
    await using cloud = given.emulate
      ? await startEmulatorProcess({ name: given.provider, faults: given["emulate-fault"], lease, clock, signal })
      : undefined;
    const bundledProvider = cloud === undefined ? known : bundledProviderOf({ ...given, ...cloud.pluginWords }, environment);
    const options = { ...wanted, bundledProvider };
    const header: Header = {
      runId: lease.id,
      command: "bench",
      arguments: process.argv.slice(2),
      startedAt: new Date(clock.wallMs()).toISOString(),
      seed: options.seed,
      strict: false,
      kmsmark: kmsmarkVersion(),
      machine: machineFacts(),
      target: {
        kind: target.kind,
        ...(await versionsOf(target, { ...options, lease, clock, signal })),
        isModel: target.kind === "embedded",
        refused: [...refused],
      },
      plugin: options.pluginSocket ?? (target.kind === "attached" ? null : pluginNameOf(bundledProvider.name, cloud)),
      clock: { resolutionNs: clockResolutionNs(clock) },
      notes: [],
    };
    const journal = folder.startJournal(header);
    const bench = { options, target, lease, clock, signal, journal, samples: folder.samples, progress };
    try {
      await runSuites(suites, bench, { provider: given.provider, conditions });
    } finally {
      progress[Symbol.dispose]();
      const result = journal.result();
      // First, because a disk that is full takes no reports.
      stdout.write(given.json ? json.render(result) : renderTerminal(result, columns));
      await writeReports(folder.path, result);
      if (!given.json) stderr.write(`The run is in ${folder.path}; report.html there shows it.\n`);
    }
    return verdicts(journal.result()).exitCode;
  },
});

/** Runs the benchmarks one after the other, and writes down how that ended. */
async function runSuites(
  suites: readonly Benchmark[],
  bench: Bench,
  { provider, conditions }: { readonly provider: ProviderName; readonly conditions: readonly Condition[] },
): Promise<void> {
  const { journal, signal } = bench;
  try {
    for (const suite of suites) await suite.run(bench);
    for (const text of termNotes(provider, journal.result().cells)) journal.append({ event: "note", text });
    const { cells } = journal.result();
    if (conditions.length > 0) {
      journal.append({ event: "thresholds", thresholds: conditions.map((condition) => judgeThreshold(condition, cells)) });
    }
  } catch (thrown) {
    journal.append({ event: "end", status: signal.aborted ? "interrupted" : "failed", fault: messageOf(thrown) });
    throw thrown;
  }
  journal.append({ event: "end", status: "complete", fault: null });
}

function pluginNameOf(provider: string, cloud: EmulatorProcess | undefined): string {
  return `bundled plugin, provider ${provider}${cloud === undefined ? "" : ", against a local cloud on this machine"}`;
}

function attachedEtcdOf(
  given: { readonly [Name in `attached-etcd${"" | "-cacert" | "-cert" | "-key"}`]: string | undefined },
): TargetChoice["attachedEtcd"] {
  const url = given["attached-etcd"];
  if (url === undefined) return undefined;
  return {
    url,
    caFile: given["attached-etcd-cacert"],
    certificateFile: given["attached-etcd-cert"],
    keyFile: given["attached-etcd-key"],
  };
}

/** What will be measured. Only a control plane that was there before has to be asked; its start is no more than a connection. */
async function versionsOf(
  target: Target,
  spec: Omit<ControlPlaneSpec, "encryption">,
): Promise<Pick<NonNullable<Header["target"]>, "kubernetes" | "etcd">> {
  if (target.kind === "embedded") return { kubernetes: spec.kubernetesVersion, etcd: null };
  if (target.kind !== "attached") return { kubernetes: spec.kubernetesVersion, etcd: spec.etcdVersion };
  await using plane = await target.start({ ...spec, encryption: undefined });
  return { kubernetes: plane.kubernetesVersion, etcd: plane.etcdVersion ?? null };
}
