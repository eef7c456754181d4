import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { configurationFor, kmsVersionOf } from "../../suites/bench/provider-configuration.ts";
import { systemClock } from "../clock.ts";
import { defineCommand } from "../command.ts";
import { messageOf, TargetError, UsageError } from "../errors.ts";
import { findInstances, type Instance, type InstanceRecord, leaveInstance, takeInstance } from "../instance.ts";
import { requireListening, socketPathOf } from "../kms/socket.ts";
import { type Lease, sweepLeases } from "../lease.ts";
import { startPluginProcess } from "../plugin-process.ts";
import { Display } from "../run/display.ts";
import { benchProviders } from "../run/schema.ts";
import { ApiProbe } from "../target/api-probe.ts";
import { chooseTarget } from "../target/choose.ts";
import { defaultVersions, parseEtcdVersion, parseKubernetesVersion, removeContainer, showProgress } from "../target/install/index.ts";
import { renderKubeconfig } from "../target/kubeconfig.ts";
import { readKubeconfig } from "../target/kubeconfig-access.ts";

/** kube-apiserver's own default (spec encryption-at-rest 1.3). */
const kmsV1CacheSize = 1000;

export const command = defineCommand({
  usage: "up",
  summary: "Starts a control plane with encrypted Secrets, and leaves it running.",
  examples: [
    { line: "kmsmark up", does: "KMS v2 with the bundled plugin, and a kubeconfig for kubectl" },
    { line: "kmsmark up --name old --provider kms-v1 --kubeconfig old.kubeconfig", does: "another one beside it, with KMS v1" },
  ],
  options: (yargs) =>
    yargs
      .option("name", { type: "string", default: "default", describe: "Of the control plane; `down` takes it too" })
      .option("target", {
        choices: ["auto", "containers", "processes", "embedded"] as const,
        default: "auto" as const,
        describe: "How to run it",
      })
      .option("provider", { choices: benchProviders, default: "kms-v2" as const, describe: "What encrypts Secrets" })
      .option("socket", { type: "string", describe: "Socket of a plugin to use instead of the bundled one" })
      .option("kubernetes", { type: "string", default: defaultVersions.kubernetesVersion, describe: "Version of kube-apiserver" })
      .option("etcd", { type: "string", default: defaultVersions.etcdVersion, describe: "Version of etcd" })
      .option("kubeconfig", { type: "string", describe: "Where to write the kubeconfig; among kmsmark's scratch files by default" })
      .option("json", { type: "boolean", default: false, describe: "Answer in JSON" }),
  async run(given, context) {
    const { signal, stderr, environment } = context;
    const clock = systemClock;
    const kubernetesVersion = parseKubernetesVersion(given.kubernetes);
    const etcdVersion = parseEtcdVersion(given.etcd);
    const ownPlugin = given.socket === undefined ? undefined : socketPathOf(given.socket);
    if (ownPlugin !== undefined) await requireListening(ownPlugin);
    await sweepLeases(removeContainer);
    const [existing] = findInstances(given.name, removeContainer);
    if (existing !== undefined) {
      context.stdout.write(answer(await requireRunning(existing, signal), given));
      return 0;
    }
    if (given.kubeconfig !== undefined) requireFree(given.kubeconfig);

    await using lease = await takeInstance(given.name, removeContainer);
    using progress = showProgress(Display.on(stderr, { quiet: given.json, environment, clock, signal }));
    const choice = { wanted: given.target, kubernetesVersion, etcdVersion, environment, progress: progress.report, clock, signal };
    const { target, headline } = await chooseTarget(choice);
    progress[Symbol.dispose]();
    stderr.write(`${headline}\n`);
    if (target.kind === "embedded") {
      throw new TargetError("cannot-stay", "The embedded model lives inside the command that starts it and cannot stay.", {
        hint: "`kmsmark install` gets kube-apiserver and etcd, which can.",
      });
    }

    const kmsSocket =
      kmsVersionOf(given.provider) === undefined ? undefined : (ownPlugin ?? (await startPluginProcess({ lease, clock, signal })).socket);
    const { encryption } = configurationFor(given.provider, { kmsSocket, cacheSize: kmsV1CacheSize });
    await using plane = await target.start({ kubernetesVersion, etcdVersion, encryption, featureGates: {}, lease, clock, signal });
    const { internals } = plane;
    if (internals === undefined) throw new Error("A control plane of kmsmark's own is not known from within.");
    const { caFile, certificateFile, keyFile, encryptionFile } = internals.files;
    const record = {
      target: plane.kind,
      kubernetesVersion: plane.kubernetesVersion,
      provider: given.provider,
      url: plane.api.url,
      kubeconfig: kubeconfigPath(given.kubeconfig, lease),
      stored: { etcd: internals.etcd.url, caFile, certificateFile, keyFile, encryptionFile },
    };
    await leaveInstance(lease, record, renderKubeconfig(contextName(given.name), plane.api));
    context.stdout.write(answer(record, given));
    return 0;
  },
});

function kubeconfigPath(wanted: string | undefined, lease: Lease): string {
  return wanted === undefined ? join(lease.folder, "kubeconfig") : resolve(wanted);
}

function contextName(name: string): string {
  return name === "default" ? "kmsmark" : `kmsmark-${name}`;
}

/** Found out before a control plane is started for nothing. */
function requireFree(path: string): void {
  if (existsSync(path)) {
    throw new UsageError("kubeconfig-exists", `There is a file ${path} already, and kmsmark does not overwrite it.`, {
      hint: "Name another one with --kubeconfig, or remove it.",
    });
  }
  try {
    accessSync(dirname(resolve(path)), constants.W_OK);
  } catch (thrown) {
    throw new UsageError("kubeconfig-unwritable", `The kubeconfig ${path} cannot be written: ${messageOf(thrown)}.`, { cause: thrown });
  }
}

/** What is up, if it still answers. */
async function requireRunning({ name, record }: Instance, signal: AbortSignal): Promise<InstanceRecord> {
  if (record === undefined) {
    throw new UsageError("instance-exists", `Another kmsmark is starting "${name}" now.`, {
      hint: "Wait for it, or choose another name with --name.",
    });
  }
  const hint = `Remove it with: kmsmark down --name ${name}`;
  try {
    await using probe = new ApiProbe(await readKubeconfig(record.kubeconfig, undefined));
    const complaint = await probe.complaint(signal);
    if (complaint === undefined) return record;
    throw new TargetError("instance-not-ready", `"${name}" is up but not ready: ${complaint}.`, { hint });
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof TargetError) throw thrown;
    throw new TargetError("instance-not-ready", `"${name}" was left running but does not answer any more: ${messageOf(thrown)}.`, {
      hint,
      cause: thrown,
    });
  }
}

function answer(record: InstanceRecord, { name, json }: { readonly name: string; readonly json: boolean }): string {
  const { target, kubernetesVersion, provider, url, kubeconfig, stored } = record;
  if (json) return `${JSON.stringify({ name, target, kubernetesVersion, provider, url, kubeconfig, stored }, null, 2)}\n`;
  return [
    `"${name}" is up: kube-apiserver ${kubernetesVersion} (${target}) at ${url}, Secrets encrypted with ${provider}.`,
    `  export KUBECONFIG=${kubeconfig}`,
    "  kubectl create secret generic demo --from-literal=key=value",
    `  kmsmark conform envelope --etcd ${stored.etcd} --etcd-cacert ${stored.caFile} --etcd-cert ${stored.certificateFile} --etcd-key ${stored.keyFile} --encryption-config ${stored.encryptionFile}`,
    `  kmsmark down${name === "default" ? "" : ` --name ${name}`}`,
    "",
  ].join("\n");
}
