import { access, constants } from "node:fs/promises";
import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import { patternsOf, requireKnown, type SelectedChecks, selectChecks } from "../../suites/conformance/select-checks.ts";
import { systemClock } from "../clock.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { messageOf, UsageError } from "../errors.ts";
import { kmsVersions } from "../kms/contract.ts";
import { requireListening } from "../kms/socket.ts";
import { Lease, sweepLeases } from "../lease.ts";
import { Random } from "../random.ts";
import { CheckProgress } from "../run/check-progress.ts";
import { Display } from "../run/display.ts";
import type { Journal } from "../run/journal.ts";
import { lookOf } from "../run/look.ts";
import { clockResolutionNs, machineFacts } from "../run/machine.ts";
import { createRunFolder } from "../run/run-folder.ts";
import { type CheckArea, checkAreas, type Header } from "../run/schema.ts";
import { verdicts } from "../run/verdict.ts";
import { type ChosenTarget, chooseTarget } from "../target/choose.ts";
import { defaultVersions, removeContainer, showProgress } from "../target/install/index.ts";
import { type TargetKind, targetKinds } from "../target/target.ts";
import { kmsmarkVersion } from "../version.ts";
import { areas, type ConformWorld } from "./conform-areas.ts";
import { listChecks } from "./conform-list.ts";
import { type ConformOptions, parseConformWords } from "./conform-options.ts";
import { bundledProviderOf, withBundledProviderFlags } from "./provider-flags.ts";
import { writeReports } from "./write-reports.ts";

const checkIds = Object.values(areas).flatMap(({ checks }) => checks.map(({ id }) => id));

export const command = defineCommand({
  usage: "conform [suite..]",
  summary: "Checks a KMS plugin, stored values, an API server or a configuration against the specification.",
  examples: [
    { line: "kmsmark conform plugin --socket unix:///run/kms.sock", does: "judges anybody's KMS plugin; the bundled one without --socket" },
    { line: "kmsmark conform apiserver --target processes --quick", does: "judges kube-apiserver, without what waits for a clock" },
    { line: "kmsmark conform envelope --etcd https://127.0.0.1:2379 --etcd-cacert ca.pem", does: "judges the values that lie in an etcd" },
    {
      line: "kmsmark conform config encryption.yaml --secrets 5000",
      does: "reads an EncryptionConfiguration as kube-apiserver would, and advises",
    },
    { line: "kmsmark conform --list --only 'plugin/*'", does: "names the checks" },
  ],
  repeatable: ["only", "skip"],
  proposals: { suite: checkAreas, only: checkIds, skip: checkIds },
  options: (yargs) =>
    withBundledProviderFlags(yargs)
      .positional("suite", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: `Of ${checkAreas.join(", ")}; behind config the file, behind envelope a folder of values`,
      })
      .option("list", { type: "boolean", default: false, describe: "Name the checks, and run none" })
      .option("only", { type: "string", array: true, default: [] as string[], describe: "Ids, globs or invariants: plugin/*,K2-09" })
      .option("skip", { type: "string", array: true, default: [] as string[], describe: "The same, of checks to leave out" })
      .option("strict", { type: "boolean", default: false, describe: "Let a SHOULD that fails count as much as a MUST" })
      .option("quick", { type: "boolean", default: false, describe: "Leave out what waits for a clock" })
      .option("socket", { type: "string", describe: "Socket of the plugin to check; for envelope, of the one that opens the values" })
      .option("kms", { choices: kmsVersions, describe: "Which of its services; both that it has by default" })
      .option("rotate-command", { type: "string", describe: "Shell command that rotates the plugin's key" })
      .option("restart-command", { type: "string", describe: "Shell command that restarts the plugin" })
      .option("target", { choices: ["auto", ...targetKinds] as const, default: "auto" as const, describe: "The control plane to check" })
      .option("kubernetes", { type: "string", default: defaultVersions.kubernetesVersion, describe: "Version of kube-apiserver" })
      .option("etcd-version", { type: "string", default: defaultVersions.etcdVersion, describe: "Version of etcd" })
      .option("etcd", { type: "string", describe: "URL of an etcd whose values are checked" })
      .option("etcd-cacert", { type: "string", describe: "PEM file of the authority of that etcd" })
      .option("etcd-cert", { type: "string", describe: "PEM file of a client certificate for it" })
      .option("etcd-key", { type: "string", describe: "PEM file of the certificate's key" })
      .option("etcd-prefix", { type: "string", default: "/registry", describe: "The API server's --etcd-prefix" })
      .option("encryption-config", { type: "string", describe: "The EncryptionConfiguration that the values were written with" })
      .option("writes", { type: "number", default: 100_000, describe: "How many writes security looks at for repeated nonces" })
      .option("run", { type: "string", describe: "Folder of a run that security searches for secrets" })
      .option("secrets", { type: "number", describe: "How many Secrets the cluster of a configuration has" })
      .option("seed", { type: "string", describe: "Repeats the random choices of the run that printed it" })
      .option("out", { type: "string", describe: "Folder of the run; runs/TIME-conform by default" })
      .option("json", { type: "boolean", default: false, describe: "Print the result as JSON, and no progress" }),
  async run(given, context) {
    const { signal, stdout, stderr, environment, columns, line } = context;
    const clock = systemClock;
    const selection = { only: patternsOf(given.only), skip: patternsOf(given.skip), quick: given.quick };
    if (given.list) {
      const named = checkAreas.filter((area) => given.suite.includes(area));
      const listed = (named.length === 0 ? checkAreas : named).flatMap((area) => areas[area].checks);
      stdout.write(listChecks(listed, selection, { json: given.json, columns: stdout.isTTY === true ? columns : undefined }));
      return 0;
    }
    const options = parseConformWords(given, bundledProviderOf(given, environment));
    requireKnown(
      options.areas.flatMap((area) => areas[area].checks),
      [...selection.only, ...selection.skip],
    );
    const chosen = new Map(options.areas.map((area) => [area, selectChecks(areas[area].checks, selection)]));
    if (options.socket !== undefined) await requireListening(options.socket);
    if (options.path !== undefined) await requireReadable(options.path);
    const display = Display.on(stderr, { quiet: given.json, environment, clock, signal });
    using progress = new CheckProgress(display);
    await sweepLeases(removeContainer);
    const target = await targetFor(options, given.target, display, context);
    if (target !== undefined) progress.say(target.headline);
    await using folder = await createRunFolder({ command: "conform", out: given.out, clock });
    progress.say(`Seed ${options.seed}; the run goes to ${folder.path}.`);

    await using lease = Lease.take("conform", removeContainer);
    const journal = folder.startJournal({
      runId: lease.id,
      command: "conform",
      arguments: withoutHooks(line.words),
      startedAt: new Date(clock.wallMs()).toISOString(),
      seed: options.seed,
      strict: given.strict,
      kmsmark: kmsmarkVersion(),
      machine: machineFacts(),
      target: target === undefined ? null : headerTarget(target, options),
      plugin: pluginOf(options),
      clock: { resolutionNs: clockResolutionNs(clock) },
      notes: [...line.notes],
    });
    const world: ConformWorld = {
      options,
      folder: folder.path,
      say: (line) => progress.say(line),
      lease,
      clock,
      signal,
      random: new Random(options.seed),
      target: target?.target,
    };
    try {
      await runAreas(chosen, world, { journal, progress });
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

/** What was asked for, without the commands of a shell: a credential may stand in one. */
function withoutHooks(words: readonly string[]): string[] {
  const hook = /^(--(?:rotate|restart)-?command)(?:=.*)?$/is;
  return words.flatMap((word, at) => {
    if (hook.test(words[at - 1] ?? "") && !words[at - 1]?.includes("=")) return [];
    return [word.replace(hook, "$1=…")];
  });
}

/** Before a run folder is made for nothing. */
async function requireReadable(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((thrown: unknown) => {
    throw new UsageError("unreadable-file", `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  });
}

/** Runs the suites one after the other, and writes down how that ended. */
async function runAreas(
  chosen: ReadonlyMap<CheckArea, SelectedChecks>,
  world: ConformWorld,
  { journal, progress }: { readonly journal: Journal; readonly progress: CheckProgress },
): Promise<void> {
  const { clock, signal } = world;
  try {
    for (const { selected } of chosen.values()) progress.expect(selected.length);
    for (const [area, { selected, skipped }] of chosen) {
      if (selected.length === 0) continue;
      await areas[area].run(new Set(selected.map(({ id }) => id)), world, {
        ...{ clock, signal, skipped },
        onStart(check) {
          journal.append({ event: "check-started", id: check.id });
          progress.start(check);
        },
        onResult(result) {
          journal.append({ event: "check", result });
          progress.end(result);
        },
      });
    }
  } catch (thrown) {
    journal.append({ event: "end", status: signal.aborted ? "interrupted" : "failed", fault: messageOf(thrown) });
    throw thrown;
  }
  journal.append({ event: "end", status: "complete", fault: null });
}

/** The control plane for those suites that start one; undefined where none does. */
async function targetFor(
  options: ConformOptions,
  wanted: "auto" | TargetKind,
  display: Display,
  { environment, signal }: CommandContext,
): Promise<ChosenTarget | undefined> {
  if (!options.areas.some((area) => areas[area].needsTarget(options))) return undefined;
  using installing = showProgress(display);
  display.wait("Looking for a control plane");
  return await chooseTarget({ ...options, wanted, environment, progress: installing.report, clock: systemClock, signal });
}

function headerTarget({ target, refused }: ChosenTarget, { kubernetesVersion, etcdVersion }: ConformOptions): Header["target"] {
  const isModel = target.kind === "embedded";
  return { kind: target.kind, kubernetes: kubernetesVersion, etcd: isModel ? null : etcdVersion, isModel, refused: [...refused] };
}

/** What was behind the KMS socket, in words; null where no suite has to do with a plugin of the outside. */
function pluginOf({ areas: wanted, socket, bundledProvider }: ConformOptions): string | null {
  if (socket !== undefined) return socket;
  if (wanted.includes("plugin") || wanted.includes("security") || wanted.includes("envelope")) {
    return `bundled plugin, provider ${bundledProvider.name}`;
  }
  return null;
}
