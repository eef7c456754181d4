import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reporters } from "../../reports/index.ts";
import type { Reporter } from "../../reports/reporter.ts";
import { folderFault } from "../run/folder-fault.ts";
import { type Result, resultSchema } from "../run/schema.ts";

/**
 * Writes every report of a result into its run folder; the journal and the samples stay as they are. Each file is exchanged in one step,
 * so that nobody reads half of one. Fails with a RunFolderError where one cannot be written.
 */
export async function writeReports(folder: string, result: Result): Promise<void> {
  const checked = resultSchema.parse(result);
  for (const { file, render } of reporters.filter((reporter: Reporter) => reporter.isFor?.(checked) ?? true)) {
    const path = join(folder, file);
    const draft = `${path}.new`;
    const text = render(checked);
    try {
      await writeFile(draft, text);
      await rename(draft, path);
    } catch (thrown) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw folderFault(path, thrown);
    }
  }
}
