import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { allLeases, Lease, leasesFolder, sweepLeases } from "./lease.ts";

const realTmpdir = tmpdir();
const removed: string[] = [];
const removeContainer = async (name: string) => {
  removed.push(name);
};
const children: ChildProcess[] = [];

beforeEach(() => {
  process.env["TMPDIR"] = mkdtempSync(join(realTmpdir, "lease-"));
  removed.length = 0;
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(process.env["TMPDIR"] ?? "", { recursive: true, force: true });
  process.env["TMPDIR"] = realTmpdir;
});

/** A process that lives until it is ended. */
function idle(): { child: ChildProcess; pid: number; ended: Promise<unknown> } {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  children.push(child);
  return { child, pid: child.pid ?? 0, ended: once(child, "exit") };
}

/** Another kmsmark that takes a lease, starts a process under it and is killed before it can clean up. */
async function killedOwner(): Promise<{ leaseId: string; childPid: number }> {
  const script = `
    import { spawn } from "node:child_process";
    import { Lease } from ${JSON.stringify(fileURLToPath(new URL("./lease.ts", import.meta.url)))};
    const lease = Lease.take("bench", async () => {});
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore", detached: true });
    lease.addProcess(child.pid);
    lease.addContainer("kmsmark-test");
    process.stdout.write(JSON.stringify({ leaseId: lease.id, childPid: child.pid }));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(owner);
  const [said] = await once(owner.stdout, "data");
  const ended = once(owner, "exit");
  owner.kill("SIGKILL");
  await ended;
  const known: { leaseId: string; childPid: number } = JSON.parse(String(said));
  return known;
}

/** A zombie, whose parent has only not asked for its exit code yet, is gone. */
function isThere(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

it("removes its folder, its processes and its containers when it is disposed of", async () => {
  const { pid, ended } = idle();
  const lease = Lease.take("bench", removeContainer);
  lease.addProcess(pid);
  lease.addContainer("one");
  lease.addContainer("two");
  await lease[Symbol.asyncDispose]();
  await ended;
  expect(removed).toEqual(["two", "one"]);
  expect(existsSync(lease.folder)).toBe(false);
});

it("opens its folder to this user alone", () => {
  const lease = Lease.take("bench", removeContainer);
  expect([leasesFolder(), lease.folder].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
});

it("is swept with everything it holds once its owner was killed", async () => {
  const { leaseId, childPid } = await killedOwner();
  expect([isThere(childPid), existsSync(join(leasesFolder(), leaseId))]).toEqual([true, true]);
  expect(await sweepLeases(removeContainer)).toBe(1);
  expect([isThere(childPid), existsSync(join(leasesFolder(), leaseId))]).toEqual([false, false]);
  expect(removed).toEqual(["kmsmark-test"]);
});

it("is not swept while its owner lives", async () => {
  const { pid } = idle();
  await using lease = Lease.take("bench", removeContainer);
  lease.addProcess(pid);
  expect(await sweepLeases(removeContainer)).toBe(0);
  expect([isThere(pid), existsSync(lease.folder)]).toEqual([true, true]);
});

it("is not swept when it was left running on purpose, and ends when it is released", async () => {
  const { pid, ended } = idle();
  const lease = Lease.take("up default", removeContainer);
  lease.addProcess(pid);
  lease.leaveRunning();
  await lease[Symbol.asyncDispose]();
  expect(await sweepLeases(removeContainer)).toBe(0);
  expect(isThere(pid)).toBe(true);
  for (const each of allLeases(removeContainer)) await each.release();
  await ended;
  expect(readdirSync(leasesFolder())).toEqual([]);
});

it("never ends a process that only has the pid of one it held", async () => {
  const { pid } = idle();
  const lease = Lease.take("bench", removeContainer);
  lease.addProcess(pid);
  const path = join(lease.folder, "lease.json");
  writeFileSync(path, readFileSync(path, "utf8").replace(/("processes":\[\{"pid":\d+,"startMark":")\d+/, "$11"));
  const other = Lease.open(lease.id, removeContainer);
  await other?.release();
  expect(isThere(pid)).toBe(true);
});

it("says that its scratch folder cannot be used", () => {
  writeFileSync(leasesFolder(), "a file where a folder should be");
  expect(() => Lease.take("bench", removeContainer)).toThrow(expect.objectContaining({ code: "scratch-unwritable" }));
});

it("is left to the next sweep when its containers cannot be removed now, without keeping others from being swept", async () => {
  const { leaseId } = await killedOwner();
  expect(await sweepLeases(() => Promise.reject(new Error("the engine is in trouble")))).toBe(0);
  expect(allLeases(removeContainer).map(({ id }) => id)).toEqual([leaseId]);
  expect(await sweepLeases(removeContainer)).toBe(1);
});
