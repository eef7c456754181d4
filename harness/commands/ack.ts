import { randomBytes } from "node:crypto";
import {
  badKeys,
  credentialKinds,
  lacks,
  requireAckOptions,
  runProcedure,
  verifyAccount,
  verifyOptionsOf,
} from "../../suites/ack/index.ts";
import { systemClock } from "../clock.ts";
import { type CommandContext, defineCommand, type ExitCode } from "../command.ts";
import { UsageError } from "../errors.ts";
import { Lease, sweepLeases } from "../lease.ts";
import { Display } from "../run/display.ts";
import { createRunFolder } from "../run/run-folder.ts";
import { StepProgress } from "../run/step-progress.ts";
import { chooseTarget } from "../target/choose.ts";
import { defaultVersions, parseEtcdVersion, parseKubernetesVersion, removeContainer, showProgress } from "../target/install/index.ts";
import { type ProcedureRun, runJournaled } from "./ack-journal.ts";

const targets = ["auto", "processes", "containers", "embedded"] as const;

/** Those that only one of the actions takes, as far as they have no default. */
const optionsOf = {
  run: ["without", "key", "seed"],
  verify: ["cluster", "region", "endpoint-cs", "endpoint-kms", "endpoint-actiontrail", "create-test-secret", "context"],
} as const;

export const command = defineCommand({
  usage: "ack <action>",
  summary: "Carries out the ACK procedure for Secrets with a KMS key in an emulated cloud, or verifies a cluster of a real account.",
  examples: [
    { line: "kmsmark ack run --target processes", does: "the whole procedure on a real kube-apiserver, with the audit trail's events" },
    { line: "kmsmark ack run --without role", does: "what the procedure does where the service role is not authorised" },
    {
      line: "kmsmark ack verify --cluster c0123456789abcdef --region cn-hangzhou",
      does: "whether a cluster of a real account encrypts its Secrets; changes nothing",
    },
  ],
  options: (yargs) =>
    yargs
      .positional("action", { choices: ["run", "verify"] as const, demandOption: true, describe: "What to do" })
      .option("target", { choices: targets, default: "auto" as const, describe: "run: the control planes of the clusters" })
      .option("kubernetes", { type: "string", default: defaultVersions.kubernetesVersion, describe: "run: version of kube-apiserver" })
      .option("etcd-version", { type: "string", default: defaultVersions.etcdVersion, describe: "run: version of etcd" })
      .option("secrets", { type: "number", default: 60, describe: "run: how many Secrets the existing cluster has" })
      .option("authorize", {
        type: "boolean",
        default: true,
        describe: "run: authorise the service role where it is not; --no-authorize stops there",
      })
      .option("without", { choices: lacks, describe: "run: a prerequisite that is missing, to see it refused" })
      .option("key", { choices: badKeys, describe: "run: what is wrong with the key, to see it refused" })
      .option("seed", { type: "string", describe: "run: repeats the Secrets of the run that printed it" })
      .option("cluster", { type: "string", describe: "verify: id of the cluster" })
      .option("region", { type: "string", describe: "verify: its region" })
      .option("endpoint-cs", { type: "string", describe: "verify: the host of ACK instead of the region's, http:// on loopback alone" })
      .option("endpoint-kms", { type: "string", describe: "verify: the same of the KMS" })
      .option("endpoint-actiontrail", { type: "string", describe: "verify: the same of the audit trail" })
      .option("credentials", { choices: credentialKinds, default: "auto" as const, describe: "verify: where they come from" })
      .option("deadline", { type: "number", default: 900, describe: "verify: how many seconds to wait for the events" })
      .option("look-back", { type: "number", default: 24, describe: "verify: for how many hours back events count" })
      .option("create-test-secret", { type: "string", describe: "verify: kubeconfig with which one Secret is made first, and removed" })
      .option("context", { type: "string", describe: "verify: of that kubeconfig" })
      .option("namespace", { type: "string", default: "default", describe: "verify: where the test Secret is made" })
      .option("out", { type: "string", describe: "Folder of the run; runs/TIME-ack by default" })
      .option("json", { type: "boolean", default: false, describe: "Print the result as JSON, and no progress" }),
  async run(given, context) {
    const foreign = optionsOf[given.action === "run" ? "verify" : "run"].filter((name) => given[name] !== undefined);
    if (foreign.length > 0) {
      throw new UsageError("other-action", `ack ${given.action} does not take ${foreign.map((name) => `--${name}`).join(", ")}.`);
    }
    return given.action === "run" ? await runAck(given, context) : await verifyAck(given, context);
  },
});

interface RunWords {
  readonly target: (typeof targets)[number];
  readonly kubernetes: string;
  readonly "etcd-version": string;
  readonly secrets: number;
  readonly authorize: boolean;
  readonly without: (typeof lacks)[number] | undefined;
  readonly key: (typeof badKeys)[number] | undefined;
  readonly seed: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
}

async function runAck(given: RunWords, context: CommandContext): Promise<ExitCode> {
  const { signal, stderr, environment } = context;
  const clock = systemClock;
  const { without: lack, key: badKey, authorize: isAuthorizing, secrets } = given;
  const options = requireAckOptions({ lack, badKey, isAuthorizing, secrets, seed: given.seed ?? randomBytes(4).toString("hex") });
  const versions = {
    kubernetesVersion: parseKubernetesVersion(given.kubernetes),
    etcdVersion: parseEtcdVersion(given["etcd-version"]),
  };
  const display = Display.on(stderr, { quiet: given.json, environment, clock, signal });
  using progress = new StepProgress(display);
  display.wait("Looking for a control plane");
  await sweepLeases(removeContainer);
  using installing = showProgress(display);
  const { target, refused, headline } = await chooseTarget({
    ...versions,
    wanted: given.target,
    environment,
    progress: installing.report,
    clock,
    signal,
  });
  installing[Symbol.dispose]();
  progress.say(headline);
  await using folder = await createRunFolder({ command: "ack", out: given.out, clock });
  progress.say(`Seed ${options.seed}; the run goes to ${folder.path}.`);
  await using lease = Lease.take("ack", removeContainer);
  const isModel = target.kind === "embedded";
  const run: ProcedureRun = {
    runId: lease.id,
    seed: options.seed,
    target: {
      kind: target.kind,
      kubernetes: versions.kubernetesVersion,
      etcd: isModel ? null : versions.etcdVersion,
      isModel,
      refused: [...refused],
    },
    plugin: "bundled plugin, against an emulated cloud",
    notes: [
      "The cloud was emulated on this machine: its audit trail shows events within a second, and it waits 2 s instead of 5 minutes between changes of a cluster's encryption.",
    ],
    json: given.json,
  };
  // What is held here is needed until the end.
  return await runJournaled(run, { folder, progress, clock, context }, (journal) =>
    runProcedure(options, { ...versions, target, lease, clock, signal, journal, progress }),
  );
}

interface VerifyGiven {
  readonly cluster: string | undefined;
  readonly region: string | undefined;
  readonly "endpoint-cs": string | undefined;
  readonly "endpoint-kms": string | undefined;
  readonly "endpoint-actiontrail": string | undefined;
  readonly credentials: (typeof credentialKinds)[number];
  readonly deadline: number;
  readonly "look-back": number;
  readonly "create-test-secret": string | undefined;
  readonly context: string | undefined;
  readonly namespace: string;
  readonly out: string | undefined;
  readonly json: boolean;
}

async function verifyAck(given: VerifyGiven, context: CommandContext): Promise<ExitCode> {
  const { stderr, environment, signal } = context;
  const clock = systemClock;
  const { cluster, region, "create-test-secret": kubeconfig } = given;
  if (cluster === undefined || region === undefined) {
    throw new UsageError("no-cluster", "A verification needs --cluster and --region.");
  }
  const words = {
    cluster,
    region,
    endpoints: { ack: given["endpoint-cs"], kms: given["endpoint-kms"], trail: given["endpoint-actiontrail"] },
    credentials: given.credentials,
    deadlineSeconds: given.deadline,
    lookBackHours: given["look-back"],
    testSecret: kubeconfig === undefined ? undefined : { kubeconfig, context: given.context, namespace: given.namespace },
  };
  // Before there is a folder.
  verifyOptionsOf(words);
  using progress = new StepProgress(Display.on(stderr, { quiet: given.json, environment, clock, signal }));
  await using folder = await createRunFolder({ command: "ack", out: given.out, clock });
  progress.say(`The run goes to ${folder.path}.`);
  const run: ProcedureRun = {
    runId: randomBytes(4).toString("hex"),
    seed: "none",
    target: null,
    plugin: null,
    notes: [],
    json: given.json,
  };
  // What is held here is needed until the end.
  return await runJournaled(run, { folder, progress, clock, context }, (journal) =>
    verifyAccount(words, { environment, journal, progress, clock, signal }),
  );
}
