import { mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import { Interrupted } from "../../errors.ts";
import { thisProcess } from "../../lease.ts";
import { VirtualClock } from "../../virtual-clock.ts";
import { takeLock } from "./lock.ts";

const signal = new AbortController().signal;
const never = () => {
  throw new Error("It should not have waited.");
};
/** No Linux process has a pid as high as this (proc(5), pid_max). */
const gone = { pid: 2 ** 22 + 1, startMark: "1" };

test("a lock that nobody holds is taken at once", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  await using _lock = await takeLock(folder.path, { clock: new VirtualClock(), signal, onWait: never });
  expect(await readdir(folder.path)).toEqual(["lock-1"]);
});

test("a second one waits until the first has released it, and is told whom it waits for once", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const clock = new VirtualClock();
  const first = await takeLock(folder.path, { clock, signal, onWait: never });
  const waitedFor: number[] = [];
  const waiting = Promise.withResolvers<void>();
  let hasIt = false;
  const second = takeLock(folder.path, {
    clock: {
      ...systemClock,
      sleep: (ms, abort) => {
        waiting.resolve();
        return clock.sleep(ms, abort);
      },
    },
    signal,
    onWait: (pid) => waitedFor.push(pid),
  }).then((lock) => {
    hasIt = true;
    return lock;
  });
  await waiting.promise;
  expect(hasIt).toBe(false);
  await first[Symbol.asyncDispose]();
  await clock.advance(250);
  await using _lock = await second;
  expect(waitedFor).toEqual([process.pid]);
});

test("the lock of a process that is gone is taken over", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  await takeLock(folder.path, { clock: new VirtualClock(), signal, onWait: never, owner: gone });
  await using _lock = await takeLock(folder.path, { clock: new VirtualClock(), signal, onWait: never });
  expect(await readdir(folder.path)).toEqual(["lock-2"]);
});

test("the lock of a process whose pid another one has by now is taken over", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const owner = { ...thisProcess(), startMark: "another start" };
  await takeLock(folder.path, { clock: new VirtualClock(), signal, onWait: never, owner });
  await using _lock = await takeLock(folder.path, { clock: new VirtualClock(), signal, onWait: never });
});

test("a lock file that cannot be read holds nobody up", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  await writeFile(join(folder.path, "lock-7"), "");
  await using _lock = await takeLock(folder.path, { clock: new VirtualClock(), signal, onWait: never });
  expect(await readdir(folder.path)).toEqual(["lock-8"]);
});

test("of many that take over the lock of a dead process at once, one has it at a time", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  await writeFile(join(folder.path, "lock-1"), JSON.stringify(gone));
  let holders = 0;
  let holdersMax = 0;
  const impatient = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using _lock = await takeLock(folder.path, { clock: impatient, signal, onWait: () => {} });
      holdersMax = Math.max(holdersMax, ++holders);
      await new Promise((resolve) => setImmediate(resolve));
      holders--;
    }),
  );
  expect(holdersMax).toBe(1);
});

test("waiting ends with the interruption", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const clock = new VirtualClock();
  await using _lock = await takeLock(folder.path, { clock, signal, onWait: never });
  const interruption = new AbortController();
  const waiting = takeLock(folder.path, { clock, signal: interruption.signal, onWait: () => interruption.abort(new Interrupted()) });
  await expect(waiting).rejects.toBeInstanceOf(Interrupted);
});
