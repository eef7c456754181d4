import { closeSync, openSync, rmSync } from "node:fs";
import type { Clock } from "./clock.ts";
import { PluginError, systemCodeOf } from "./errors.ts";

const patienceMs = 1000;
const retryMs = 10;

/**
 * Holds `PATH.lock` until disposed of, so that one process at a time exchanges `PATH`. It is meant to be held for a moment. A lock that
 * a killed process left is not broken: two that break it at once would spoil what it protects.
 * @throws PluginError `lock-held` when it is not free within a second.
 */
export async function holdLockFile(path: string, clock: Clock): Promise<Disposable> {
  const lockPath = `${path}.lock`;
  const giveUpMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      closeSync(openSync(lockPath, "wx", 0o600));
      return { [Symbol.dispose]: () => rmSync(lockPath, { force: true }) };
    } catch (thrown) {
      if (systemCodeOf(thrown) !== "EEXIST") throw thrown;
    }
    if (clock.monotonicMs() >= giveUpMs) {
      throw new PluginError("lock-held", `${lockPath} is held by another kmsmark, or was left by one that was killed.`, {
        hint: `If no other kmsmark works on ${path}, remove ${lockPath}.`,
      });
    }
    await clock.sleep(retryMs);
  }
}
