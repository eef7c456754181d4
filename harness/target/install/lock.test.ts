import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../clock.ts";
import { Interrupted } from "../../errors.ts";
import { takeLock } from "./lock.ts";

let folder: string;
/** Looks again at once, however long it should wait. */
const clock = { ...systemClock, sleep: () => systemClock.sleep(0) };
const { signal } = new AbortController();
const options = { clock, signal, onWait: () => {} };
/** No process has this pid: it is above the system's largest. */
const gone = { pid: 2 ** 30, startMark: "1" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("is had by one, and by the next when that one has released it", async () => {
  const first = await takeLock(folder, options);
  const firstWait = Promise.withResolvers<number>();
  const second = takeLock(folder, { ...options, onWait: firstWait.resolve });
  expect(await firstWait.promise).toBe(process.pid);
  await first[Symbol.asyncDispose]();
  await using _second = await second;
  expect(await readdir(folder)).toEqual(["lock-2"]);
});

it("is taken over from a process that is gone", async () => {
  await takeLock(folder, { ...options, owner: gone });
  await using _lock = await takeLock(folder, options);
  expect(await readdir(folder)).toEqual(["lock-2"]);
});

it("is not waited for by one who is interrupted", async () => {
  await using _lock = await takeLock(folder, options);
  const interruption = new AbortController();
  const waiting = takeLock(folder, { ...options, signal: interruption.signal, onWait: () => interruption.abort(new Interrupted()) });
  await expect(waiting).rejects.toThrow(Interrupted);
});
