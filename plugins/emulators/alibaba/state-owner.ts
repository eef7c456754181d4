import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { messageOf, PluginError, systemCodeOf } from "../../../harness/errors.ts";
import { isAlive, processSchema, thisProcess } from "../../../harness/lease.ts";

/**
 * Holds a state file for this process, in `PATH.owner`, so that no two clouds write it in turn; what a killed process left is taken over.
 * @throws PluginError `cloud-state-in-use` or `cloud-state-unwritable`.
 */
export function holdState(path: string): Disposable {
  const ownerPath = `${path}.owner`;
  try {
    try {
      claim(ownerPath);
    } catch (thrown) {
      if (systemCodeOf(thrown) !== "EEXIST") throw thrown;
      const owner = ownerOf(ownerPath);
      if (owner !== undefined && isAlive(owner)) {
        throw new PluginError("cloud-state-in-use", `The state file ${path} is in use by process ${owner.pid}.`, {
          hint: "Stop it, or name another file.",
        });
      }
      rmSync(ownerPath, { force: true });
      claim(ownerPath);
    }
  } catch (thrown) {
    if (thrown instanceof PluginError) throw thrown;
    throw new PluginError("cloud-state-unwritable", `The state file cannot be written: ${messageOf(thrown)}.`, { cause: thrown });
  }
  return { [Symbol.dispose]: () => rmSync(ownerPath, { force: true }) };
}

function claim(ownerPath: string): void {
  writeFileSync(ownerPath, JSON.stringify(thisProcess()), { mode: 0o600, flag: "wx" });
}

function ownerOf(ownerPath: string) {
  try {
    return processSchema.safeParse(JSON.parse(readFileSync(ownerPath, "utf8"))).data;
  } catch {
    return undefined;
  }
}
