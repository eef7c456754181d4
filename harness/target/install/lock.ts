import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { systemCodeOf } from "../../errors.ts";
import { isAlive, type OwnedProcess, processSchema, thisProcess } from "../../lease.ts";

const prefix = "lock-";
const pollMs = 250;

/** What {@link takeLock} needs besides the folder. */
export interface LockOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once for each owner that is waited for. */
  readonly onWait: (ownerPid: number) => void;
  /** Who takes the lock; only tests say another than this process. */
  readonly owner?: OwnedProcess;
}

/**
 * Waits until nobody else holds the lock of `folder`, and holds it until disposed of. The lock of a process that is gone is free.
 *
 * Whoever takes the lock creates the file `lock-<n+1>` beside the highest `lock-<n>`, whose owner must be gone or have released it. Only
 * one can create it, and the highest file is never removed: so, unlike with one file that is removed and created again, nobody can take a
 * lock away that a third one has just taken over.
 */
export async function takeLock(folder: string, { clock, signal, onWait, owner = thisProcess() }: LockOptions): Promise<AsyncDisposable> {
  for (let waitedFor: number | undefined; ; ) {
    signal.throwIfAborted();
    const newest = await newestIn(folder);
    const holder = newest === 0 ? undefined : await ownerOf(join(folder, `${prefix}${newest}`));
    if (holder !== undefined && isAlive(holder)) {
      if (holder.pid !== waitedFor) onWait(holder.pid);
      waitedFor = holder.pid;
      await clock.sleep(pollMs, signal);
      continue;
    }
    const path = join(folder, `${prefix}${newest + 1}`);
    if (!(await createWhole(path, JSON.stringify(owner)))) continue;
    if ((await newestIn(folder)) !== newest + 1) {
      await rm(path);
      continue;
    }
    for (const number of await numbersIn(folder)) if (number <= newest) await rm(join(folder, `${prefix}${number}`), { force: true });
    return { [Symbol.asyncDispose]: () => replaceWhole(path, "released") };
  }
}

/** Creates a file with its content in one step; false if it is there. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const draft = draftOf(path);
  await writeFile(draft, content);
  try {
    await link(draft, path);
    return true;
  } catch (thrown) {
    if (systemCodeOf(thrown) === "EEXIST") return false;
    throw thrown;
  } finally {
    await rm(draft);
  }
}

async function replaceWhole(path: string, content: string): Promise<void> {
  const draft = draftOf(path);
  await writeFile(draft, content);
  await rename(draft, path);
}

function draftOf(path: string): string {
  return `${path}.${randomBytes(4).toString("hex")}`;
}

/** The process that wrote a lock file; undefined where the file says that it was released, or is gone. */
async function ownerOf(path: string): Promise<OwnedProcess | undefined> {
  try {
    return processSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

async function numbersIn(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => (/^lock-\d+$/.test(name) ? Number(name.slice(prefix.length)) : []));
}

async function newestIn(folder: string): Promise<number> {
  return Math.max(0, ...(await numbersIn(folder)));
}
