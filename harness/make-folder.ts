import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCodeOf } from "./errors.ts";

/**
 * Makes a folder and those above it, as mkdir -p does, and resolves to whether it was not there before. Node's own `recursive` never ends
 * where a folder takes no entries, as those of /proc do. Rejects with the system's error.
 */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (thrown) {
    if (systemCodeOf(thrown) === "EEXIST" && (await stat(path)).isDirectory()) return false;
    if (systemCodeOf(thrown) !== "ENOENT" || (await isThere(dirname(path)))) throw thrown;
    await makeFolder(dirname(path));
    return await makeFolder(path);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
