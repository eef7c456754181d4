import { rename, rm, writeFile } from "node:fs/promises";
import { folderFault } from "./folder-fault.ts";

/** Writes a file in one step, over one that is there, so that nobody reads half of it. Fails with a RunFolderError. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await writeFile(draft, text);
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw folderFault(path, thrown);
  }
}
