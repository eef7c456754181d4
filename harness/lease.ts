import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { systemClock } from "./clock.ts";
import { messageOf, systemCodeOf, TargetError } from "./errors.ts";
import { socketPathBytesMax } from "./kms/socket.ts";

const recordName = "lease.json";
/** The longest name of a socket in a lease's folder; those that are used are shorter. */
const socketNameBytesMax = 16;

/** A process that holds something. */
export const processSchema = z.strictObject({
  pid: z.number().int().positive(),
  /** Tells a process from a later one with the same pid; empty where the system does not say (see {@link startMarkOf}). */
  startMark: z.string(),
});
export type OwnedProcess = z.infer<typeof processSchema>;

const leaseSchema = z.strictObject({
  command: z.string(),
  /** The kmsmark process that holds the lease; null for what `up` leaves running. */
  owner: processSchema.nullable(),
  processes: z.array(processSchema),
  containers: z.array(z.string()),
});
type LeaseRecord = z.infer<typeof leaseSchema>;

/** How what a lease holds is ended. Containers are only known to the target that started them, so it hands this in. */
export type RemoveContainer = (id: string) => Promise<void>;

/**
 * All that a run holds outside its own memory: one scratch folder (short enough for Unix sockets), processes, containers. Everything is
 * written down before it is used, so that the next start can remove what a killed run left behind ({@link sweepLeases}).
 */
export class Lease implements AsyncDisposable {
  readonly id: string;
  /** Only this user may enter it; sockets, keys and logs of the run live here and vanish with the lease. */
  readonly folder: string;
  #record: LeaseRecord;
  #removeContainer: RemoveContainer;

  private constructor(id: string, folder: string, record: LeaseRecord, removeContainer: RemoveContainer) {
    this.id = id;
    this.folder = folder;
    this.#record = record;
    this.#removeContainer = removeContainer;
  }

  /**
   * Takes a new lease for this process.
   * @throws TargetError `scratch-unwritable`, `scratch-path-too-long`
   */
  static take(command: string, removeContainer: RemoveContainer): Lease {
    const id = randomBytes(4).toString("hex");
    const folder = join(leasesFolder(), id);
    if (Buffer.byteLength(join(folder, "x".repeat(socketNameBytesMax))) > socketPathBytesMax) {
      throw new TargetError(
        "scratch-path-too-long",
        `The path of the scratch folder ${leasesFolder()} is too long for sockets in it, whose paths have at most ${socketPathBytesMax} bytes.`,
        { hint: "Set TMPDIR to a folder with a shorter path." },
      );
    }
    const lease = new Lease(id, folder, { command, owner: thisProcess(), processes: [], containers: [] }, removeContainer);
    try {
      makeLeasesFolder();
      mkdirSync(folder, { mode: 0o700 });
      // Whoever owns the parent could exchange what lies in it, and in /tmp anybody may have made it first.
      const parent = lstatSync(leasesFolder());
      if (!parent.isDirectory() || parent.uid !== process.getuid?.()) throw new Error("it does not belong to this user");
      lease.#write();
    } catch (thrown) {
      throw unusable(thrown);
    }
    return lease;
  }

  /** Opens a lease that another process wrote; undefined when there is none that can be read. */
  static open(id: string, removeContainer: RemoveContainer): Lease | undefined {
    const folder = join(leasesFolder(), id);
    try {
      const record = leaseSchema.parse(JSON.parse(readFileSync(join(folder, recordName), "utf8")));
      return new Lease(id, folder, record, removeContainer);
    } catch {
      return undefined;
    }
  }

  get command(): string {
    return this.#record.command;
  }

  /** True while the process that took the lease lives, and for what was left running on purpose. */
  get isHeld(): boolean {
    return this.#record.owner === null || isAlive(this.#record.owner);
  }

  /** True once {@link leaveRunning} was called: what the lease holds is to outlive this process. */
  get isLeftRunning(): boolean {
    return this.#record.owner === null;
  }

  /** Remembers a child process; call it in the same tick as the spawn. */
  addProcess(pid: number): void {
    this.#record.processes.push({ pid, startMark: startMarkOf(pid) ?? "" });
    this.#write();
  }

  /** Remembers a container by the name it will have, before it is created. */
  addContainer(name: string): void {
    this.#record.containers.push(name);
    this.#write();
  }

  /** From now on nobody owns the lease: what it holds stays until {@link release}. */
  leaveRunning(): void {
    this.#record.owner = null;
    this.#write();
  }

  /** Ends every process and container of the lease that is still there and removes its folder. */
  async release(): Promise<void> {
    for (const owned of this.#record.processes.toReversed()) await endProcess(owned);
    for (const name of this.#record.containers.toReversed()) await this.#removeContainer(name);
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#record.owner !== null) await this.release();
  }

  /** Exchanges the file in one step, so that a kill at any time leaves one that can be read. */
  #write(): void {
    const path = join(this.folder, recordName);
    writeFileSync(`${path}.new`, JSON.stringify(this.#record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** Every lease on this machine that belongs to this user. */
export function allLeases(removeContainer: RemoveContainer): Lease[] {
  return leaseIds().flatMap((id) => Lease.open(id, removeContainer) ?? []);
}

function leaseIds(): string[] {
  try {
    return readdirSync(leasesFolder());
  } catch (thrown) {
    // Where the scratch folder cannot be, no run has left anything.
    if (systemCodeOf(thrown) === "ENOENT" || systemCodeOf(thrown) === "ENOTDIR") return [];
    throw unusable(thrown);
  }
}

/** Not `recursive`: that never ends where a folder takes no entries, as those of /proc do. */
function makeLeasesFolder(): void {
  try {
    mkdirSync(leasesFolder(), { mode: 0o700 });
  } catch (thrown) {
    if (systemCodeOf(thrown) !== "EEXIST") throw thrown;
  }
}

function unusable(thrown: unknown): TargetError {
  return new TargetError("scratch-unwritable", `The scratch folder ${leasesFolder()} cannot be used: ${messageOf(thrown)}.`, {
    hint: "Set TMPDIR to a folder that you may write and that has space.",
    cause: thrown,
  });
}

/**
 * Removes what runs that were killed left behind. Returns how many leases that were. One that cannot be removed now, because the Docker
 * engine is in trouble for instance, is left to the next sweep.
 */
export async function sweepLeases(removeContainer: RemoveContainer): Promise<number> {
  const abandoned = allLeases(removeContainer).filter((lease) => !lease.isHeld);
  const outcomes = await Promise.allSettled(abandoned.map((lease) => lease.release()));
  await removeUnwritten();
  return outcomes.filter(({ status }) => status === "fulfilled").length;
}

/** Far longer than it takes between making a lease's folder and writing down what it is for. */
const unwrittenMsMax = 60_000;

/** Removes folders of leases that were killed before anything was written down. */
async function removeUnwritten(): Promise<void> {
  for (const id of leaseIds()) {
    const folder = join(leasesFolder(), id);
    const stats = statSync(folder, { throwIfNoEntry: false });
    const isOld = stats !== undefined && systemClock.wallMs() - stats.mtimeMs > unwrittenMsMax;
    if (isOld && !existsSync(join(folder, recordName))) await rm(folder, { recursive: true, force: true });
  }
}

/** `/tmp/kmsmark-0`: per user, and short, because a Unix socket's path has at most 107 bytes. */
export function leasesFolder(): string {
  return join(tmpdir(), `kmsmark-${process.getuid?.()}`);
}

/** Milliseconds that a process has to end by itself. */
const endGraceMs = 10_000;
const endPollMs = 20;

async function endProcess(owned: OwnedProcess): Promise<void> {
  const forceMs = systemClock.monotonicMs() + endGraceMs;
  let signal: NodeJS.Signals | undefined = "SIGTERM";
  while (isAlive(owned)) {
    if (signal !== undefined) kill(owned.pid, signal);
    await systemClock.sleep(endPollMs);
    signal = systemClock.monotonicMs() > forceMs ? "SIGKILL" : undefined;
  }
}

/** Between the look at a process and the signal it may have ended. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== "ESRCH") throw thrown;
  }
}

/** This process, as it is written down. */
export function thisProcess(): OwnedProcess {
  return { pid: process.pid, startMark: startMarkOf(process.pid) ?? "" };
}

/** Whether the very process that was written down still runs. */
export function isAlive({ pid, startMark }: OwnedProcess): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    // EPERM: there is such a process, of another user.
    if (systemCodeOf(thrown) !== "EPERM") return false;
  }
  const mark = startMarkOf(pid);
  return mark === undefined ? process.platform !== "linux" : mark === startMark;
}

/**
 * Boot-relative start time of a process, field 22 of /proc/PID/stat (proc(5)); undefined where there is no such process or no /proc.
 * A zombie counts as gone: its parent has only not asked for its exit code yet.
 */
function startMarkOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
