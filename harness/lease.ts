import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { systemClock } from "./clock.ts";
import { systemCodeOf } from "./errors.ts";

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

  /** Takes a new lease for this process. */
  static take(command: string, removeContainer: RemoveContainer): Lease {
    const id = randomBytes(4).toString("hex");
    const folder = join(leasesFolder(), id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const owner = thisProcess();
    const lease = new Lease(id, folder, { command, owner, processes: [], containers: [] }, removeContainer);
    lease.#write();
    return lease;
  }

  /** Opens a lease that another process wrote; undefined when there is none that can be read. */
  static open(id: string, removeContainer: RemoveContainer): Lease | undefined {
    const folder = join(leasesFolder(), id);
    try {
      const record = leaseSchema.parse(JSON.parse(readFileSync(join(folder, "lease.json"), "utf8")));
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
    const path = join(this.folder, "lease.json");
    writeFileSync(`${path}.new`, JSON.stringify(this.#record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** Every lease on this machine that belongs to this user. */
export function allLeases(removeContainer: RemoveContainer): Lease[] {
  let ids: string[];
  try {
    ids = readdirSync(leasesFolder());
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return [];
    throw thrown;
  }
  return ids.flatMap((id) => Lease.open(id, removeContainer) ?? []);
}

/** Removes what runs that were killed left behind. Returns how many leases that were. */
export async function sweepLeases(removeContainer: RemoveContainer): Promise<number> {
  const abandoned = allLeases(removeContainer).filter((lease) => !lease.isHeld);
  for (const lease of abandoned) await lease.release();
  return abandoned.length;
}

/** `/tmp/kmsmark-0`: per user, and short, because a Unix socket's path has at most 107 bytes. */
export function leasesFolder(): string {
  return join(tmpdir(), `kmsmark-${userInfo().uid}`);
}

async function endProcess(owned: OwnedProcess): Promise<void> {
  if (!isAlive(owned)) return;
  process.kill(owned.pid, "SIGTERM");
  const giveUpMs = systemClock.monotonicMs() + 5000;
  while (isAlive(owned)) {
    if (systemClock.monotonicMs() > giveUpMs) {
      process.kill(owned.pid, "SIGKILL");
      return;
    }
    await systemClock.sleep(20);
  }
}

/** This process, as it is written down for others to see whether it still lives. */
export function thisProcess(): OwnedProcess {
  return { pid: process.pid, startMark: startMarkOf(process.pid) ?? "" };
}

/** False once it is gone, also when another process has its pid by now. */
export function isAlive({ pid, startMark }: OwnedProcess): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return systemCodeOf(thrown) === "EPERM";
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
