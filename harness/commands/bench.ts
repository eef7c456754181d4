import type { Argv } from "yargs";
import { emulators } from "../../plugins/emulators.ts";
import type { ProviderName } from "../../plugins/provider-choice.ts";
import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import { type Bench, benchDefaults, type PluginBench } from "../../suites/bench/benchmark.ts";
import { benchmarks } from "../../suites/bench/index.ts";
import { systemClock } from "../clock.ts";
import { defineCommand } from "../command.ts";
import { type EmulatorProcess, startEmulatorProcess } from "../emulator-process.ts";
import { messageOf, UsageError } from "../errors.ts";
import { requireListening } from "../kms/socket.ts";
import { Lease, sweepLeases } from "../lease.ts";
import { measureFloor } from "../load/floor.ts";
import { nullApi } from "../load/null-api.ts";
import { nullPlugin } from "../load/null-plugin.ts";
import { localProvider } from "../plugin-process.ts";
import { Display } from "../run/display.ts";
import { lookOf } from "../run/look.ts";
import { clockResolutionNs, machineFacts } from "../run/machine.ts";
import { Progress } from "../run/progress.ts";
import { createRunFolder } from "../run/run-folder.ts";
import { arrivals, benchProviders, type Header } from "../run/schema.ts";
import { type Condition, judgeThreshold } from "../run/threshold.ts";
import { verdicts } from "../run/verdict.ts";
import { type ChosenTarget, chooseTarget, type TargetChoice } from "../target/choose.ts";
import { defaultVersions, removeContainer, showProgress } from "../target/install/index.ts";
import { type ControlPlaneSpec, type Target, targetKinds } from "../target/target.ts";
import { kmsmarkVersion } from "../version.ts";
import { listBenchmarks } from "./bench-list.ts";
import { type ChosenBenchmark, ownOptions, parseBenchWords } from "./bench-options.ts";
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
    {
      line: "kmsmark bench write read --providers identity,kms-v2 --rounds 5",
      does: "two providers beside one another, in rounds that take turns",
    },
    {
      line: "kmsmark bench v1-vs-v2 --kms-latency 0,40 --api-servers 3",
      does: "three API servers on one etcd, and a KMS that is 40 ms away",
    },
    { line: "kmsmark bench --socket unix:///run/kms.sock --providers kms-v2", does: "somebody's plugin instead of the bundled one" },
    {
      line: "kmsmark bench --providers kms-v2 --threshold 'kms-v2.write.p99<20ms' --threshold 'kms-v2.write.encrypts<=1'",
      does: "ends with 1 where either does not hold",
    },
  ],
  repeatable: ["emulate-fault", "threshold"],
  lists: ["secrets", "providers", "rate", "kms-latency", "feature-gates"],
  proposals: { suite: Object.keys(benchmarks), providers: benchProviders, arrivals },
  options: (yargs) =>
    withOwnOptions(withBundledProviderFlags(yargs))
      .positional("suite", { type: "string", array: true, default: ["lifecycle"], describe: "Which benchmarks; --list names them" })
      .option("list", { type: "boolean", default: false, describe: "Name the benchmarks and their questions, and measure nothing" })
      .option("target", { choices: ["auto", ...targetKinds] as const, default: "auto" as const, describe: "The control plane to measure" })
      .option("secrets", {
        type: "string",
        describe: "How many Secrets; several numbers are measured one after the other",
        ...usually("50"),
      })
      .option("providers", { type: "string", describe: `Of ${benchProviders.join(", ")}`, ...usually(benchDefaults.providers.join(",")) })
      .option("rate", {
        type: "string",
        describe: "Requests a second, each due at its time whatever became of the others; 100..1000 for a ramp, 100,200,400 for steps",
        ...usually(benchDefaults.load.ratePerSecond),
      })
      .option("arrivals", {
        type: "string",
        describe: `How they come: ${arrivals.join(", ")}`,
        ...usually("constant, or as --rate is given"),
      })
      .option("replay", {
        type: "string",
        describe: "A CSV file that kmsmark tap recorded, or one of a run's samples: they come as those did",
      })
      .option("duration", { type: "string", describe: "How long a load goes on, 30s, whatever the number of Secrets" })
      .option("in-flight", {
        type: "number",
        describe: "The most requests that are sent and not answered",
        ...usually(benchDefaults.load.inFlightMax),
      })
      .option("closed-loop", { type: "boolean", describe: "As fast as the server answers --in-flight clients, instead of --rate" })
      .option("rounds", {
        type: "number",
        describe: "How often everything is measured, the providers in an order that is drawn anew",
        ...usually(benchDefaults.rounds),
      })
      .option("kms-latency", {
        type: "string",
        describe: "How many ms later the KMS answers every call; several numbers are measured one after the other",
        ...usually(0),
      })
      .option("api-servers", { type: "number", describe: "How many API servers share one etcd", ...usually(benchDefaults.apiServers) })
      .option("cachesize", {
        type: "number",
        describe: "How many DEKs the API server keeps with KMS v1",
        ...usually(benchDefaults.cacheSize),
      })
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
  async run(given, { signal, stdout, stderr, environment, columns, line }) {
    if (given.list) {
      stdout.write(listBenchmarks(Object.values(benchmarks), { json: given.json, columns }));
      return 0;
    }
    const clock = systemClock;
    // Of a local cloud the provider's options are known only once it serves.
    const known = given.emulate ? localProvider : bundledProviderOf(given, environment);
    const { options: wanted, suites } = parseBenchWords(given, known, ownWordsOf(given));
    const conditions = parseThresholds(given.threshold, suites);
    if (given.emulate && emulators[given.provider] === undefined) {
      throw new UsageError("no-emulator", `There is no local cloud for the provider ${given.provider}.`, {
        hint: "Say with --provider which KMS is behind the bundled plugin; `kmsmark emulate --list` names the clouds.",
      });
    }
    if (wanted.pluginSocket !== undefined) await requireListening(wanted.pluginSocket);
    const display = Display.on(stderr, { quiet: given.json, environment, clock, signal });
    using progress = new Progress(display);
    await sweepLeases(removeContainer);
    using installing = showProgress(display);
    const choose = () => {
      display.wait("Looking for a control plane");
      return chooseTarget({
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
    };
    const chosen = suites.some(({ benchmark }) => benchmark.measures === "control-plane") ? await choose() : undefined;
    installing[Symbol.dispose]();
    if (chosen !== undefined) {
      requireTargetFor(chosen.target, suites);
      progress.say(chosen.headline);
    }
    await using folder = await createRunFolder({ command: "bench", out: given.out, clock });
    progress.say(`Seed ${wanted.seed}; the run goes to ${folder.path}.`);

    await using lease = Lease.take("bench", removeContainer);
    await using cloud = given.emulate
      ? await startEmulatorProcess({ name: given.provider, faults: given["emulate-fault"], lease, clock, signal })
      : undefined;
    const bundledProvider = cloud === undefined ? known : bundledProviderOf({ ...given, ...cloud.pluginWords }, environment);
    const header: Header = {
      runId: lease.id,
      command: "bench",
      arguments: [...line.words],
      startedAt: new Date(clock.wallMs()).toISOString(),
      seed: wanted.seed,
      strict: false,
      kmsmark: kmsmarkVersion(),
      machine: machineFacts(),
      target: chosen === undefined ? null : await targetFacts(chosen, { ...wanted, lease, clock, signal }),
      plugin: wanted.pluginSocket ?? (chosen?.target.kind === "attached" ? null : pluginNameOf(bundledProvider.name, cloud)),
      clock: { resolutionNs: clockResolutionNs(clock) },
      notes: [...line.notes],
    };
    const journal = folder.startJournal(header);
    const bench = { lease, clock, signal, journal, samples: folder.samples, progress };
    try {
      const started = suites.map(({ benchmark, options }) => ({ benchmark, options: { ...options, bundledProvider } }));
      await runSuites(started, bench, { target: chosen?.target, provider: given.provider, conditions });
    } finally {
      progress[Symbol.dispose]();
      const result = journal.result();
      // First, because a disk that is full takes no reports.
      stdout.write(given.json ? json.render(result) : renderTerminal(result, columns, lookOf(stdout, environment).paint));
      await writeReports(folder.path, result);
      if (!given.json) stderr.write(`The run is in ${folder.path}; report.html there shows it.\n`);
    }
    return verdicts(journal.result()).exitCode;
  },
});

/** Says in `--help` what holds without an option, which a benchmark may have otherwise: `--list --json` has what each takes. */
function usually(preset: string | number): { readonly defaultDescription: string } {
  return { defaultDescription: String(preset) };
}

/** The options that benchmarks have for themselves, with the benchmarks that know them. */
function withOwnOptions<Arguments>(yargs: Argv<Arguments>): Argv<Arguments> {
  for (const { name, describe, default: preset } of ownOptions) {
    const of = Object.values(benchmarks).filter(({ own = [] }) => own.some((option) => option.name === name));
    yargs.option(name, {
      type: "string",
      describe: `${describe} [${of.map(({ id }) => id).join(", ")}]`,
      defaultDescription: preset,
    });
  }
  return yargs;
}

function ownWordsOf(given: object): Record<string, string> {
  const words = Object.entries(given).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && ownOptions.some(({ name }) => name === entry[0]),
  );
  return Object.fromEntries(words);
}

/** What the benchmarks need and an attached control plane does not allow. @throws UsageError `needs-own-control-plane` */
function requireTargetFor({ kind }: Target, suites: readonly ChosenBenchmark[]): void {
  if (kind !== "attached") return;
  const unable = suites.filter(({ benchmark }) => benchmark.measures === "control-plane" && benchmark.requires.length > 0);
  const [first] = unable;
  if (first !== undefined) {
    throw new UsageError(
      "needs-own-control-plane",
      `The benchmark ${first.benchmark.id} needs control planes that kmsmark starts itself.`,
      {
        hint: "The benchmark lifecycle measures an attached one.",
      },
    );
  }
  if (suites.some(({ options }) => options.apiServers > 1)) {
    throw new UsageError(
      "needs-own-control-plane",
      "An attached control plane has the API servers that it has; --api-servers is for others.",
    );
  }
  if (suites.some(({ options }) => options.kmsLatenciesMs.some((ms) => ms > 0))) {
    throw new UsageError(
      "needs-own-control-plane",
      "No tap stands before the KMS of an attached control plane, so --kms-latency cannot slow it.",
    );
  }
}

/** Runs the benchmarks one after the other, and writes down how that ended. */
async function runSuites(
  suites: readonly ChosenBenchmark[],
  parts: Omit<PluginBench, "options">,
  {
    target,
    provider,
    conditions,
  }: { readonly target: Target | undefined; readonly provider: ProviderName; readonly conditions: readonly Condition[] },
): Promise<void> {
  const { journal, signal } = parts;
  try {
    if (suites.length > 0) await measureOwnFloor(parts, target);
    for (const { benchmark, options } of suites) {
      const bench: PluginBench = { ...parts, options };
      if (benchmark.measures === "plugin") await benchmark.run(bench);
      else if (target !== undefined) await benchmark.run({ ...bench, target } satisfies Bench);
    }
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

/** Of the clients that these benchmarks load with: the model speaks HTTP/1.1, through another one. */
async function measureOwnFloor(
  { lease, clock, signal, journal, progress }: Omit<PluginBench, "options">,
  target: Target | undefined,
): Promise<void> {
  const loadsApi = target !== undefined && target.kind !== "embedded";
  const nullServers = [nullPlugin(lease.folder, clock), ...(loadsApi ? [nullApi(clock, signal)] : [])];
  progress.pass("Measuring what the client itself costs");
  journal.append({ event: "floor", floor: await measureFloor({ clock, signal, nullServers }) });
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

async function targetFacts(
  { target, refused }: ChosenTarget,
  spec: Omit<ControlPlaneSpec, "encryption">,
): Promise<NonNullable<Header["target"]>> {
  return { kind: target.kind, ...(await versionsOf(target, spec)), isModel: target.kind === "embedded", refused: [...refused] };
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
