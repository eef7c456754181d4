import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, systemCodeOf, UsageError } from "./errors.ts";
import { allLeases, Lease, type RemoveContainer } from "./lease.ts";

const recordName = "instance.json";
const namePattern = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

const recordSchema = z.strictObject({
  target: z.string(),
  kubernetesVersion: z.string(),
  /** The provider that encrypts. */
  provider: z.string(),
  url: z.string(),
  kubeconfig: z.string(),
  /** What opens its stored values: etcd's URL, and paths of files. */
  stored: z.strictObject({
    etcd: z.string(),
    caFile: z.string(),
    certificateFile: z.string(),
    keyFile: z.string(),
    encryptionFile: z.string(),
  }),
  /** Tells the kubeconfig that was written from one that somebody wrote there later. */
  kubeconfigSha256: z.string(),
});
/** What `kmsmark up` tells about the control plane that it leaves running. */
export type InstanceRecord = Omit<z.infer<typeof recordSchema>, "kubeconfigSha256">;

/** A named control plane that `kmsmark up` has left running or is about to. */
export interface Instance {
  readonly name: string;
  readonly lease: Lease;
  /** Undefined until it runs. */
  readonly record: (InstanceRecord & { readonly kubeconfigSha256: string }) | undefined;
}

/**
 * Takes the lease of a new instance; only one of a name is there at a time.
 * @throws UsageError `bad-instance-name`, `instance-exists`; TargetError `scratch-unwritable`
 */
export async function takeInstance(name: string, removeContainer: RemoveContainer): Promise<Lease> {
  const lease = Lease.take(commandOf(name), removeContainer);
  // Taken first and looked round second: of two at once neither can overlook the other.
  if (findInstances(name, removeContainer).length === 1) return lease;
  await lease.release();
  throw new UsageError("instance-exists", `Another kmsmark has just started "${name}".`, { hint: "Choose another name with --name." });
}

/** The instances of a name that run or are being started, not what a killed `up` left behind. */
export function findInstances(name: string, removeContainer: RemoveContainer): Instance[] {
  const command = commandOf(name);
  return allLeases(removeContainer)
    .filter((lease) => lease.isHeld && lease.command === command)
    .map((lease) => ({ name, lease, record: readRecord(lease) }));
}

/**
 * Writes the kubeconfig and leaves the lease running. The kubeconfig comes last, so that a kill in between leaves none that nobody removes.
 * @throws UsageError `kubeconfig-unwritable`
 */
export async function leaveInstance(lease: Lease, record: InstanceRecord, kubeconfig: string): Promise<void> {
  const whole = { ...record, kubeconfigSha256: sha256(kubeconfig) };
  await writeFile(join(lease.folder, recordName), JSON.stringify(whole), { mode: 0o600 });
  lease.leaveRunning();
  try {
    await writeFile(record.kubeconfig, kubeconfig, { mode: 0o600, flag: "wx" });
  } catch (thrown) {
    await lease.release();
    throw new UsageError("kubeconfig-unwritable", `The kubeconfig ${record.kubeconfig} cannot be written: ${messageOf(thrown)}.`, {
      cause: thrown,
    });
  }
}

/** Ends an instance and removes all that it wrote, its kubeconfig included unless somebody changed it. */
export async function removeInstance({ lease, record }: Instance): Promise<void> {
  if (record !== undefined && (await contentHash(record.kubeconfig)) === record.kubeconfigSha256)
    await rm(record.kubeconfig, { force: true });
  await lease.release();
}

function commandOf(name: string): string {
  if (namePattern.test(name)) return `up ${name}`;
  throw new UsageError("bad-instance-name", `"${name}" cannot be the name of a control plane.`, {
    hint: "Use lower-case letters, digits and hyphens, at most 40.",
  });
}

function readRecord(lease: Lease): Instance["record"] {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(join(lease.folder, recordName), "utf8")));
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

async function contentHash(path: string): Promise<string | undefined> {
  try {
    return sha256(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
