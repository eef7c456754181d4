import type { Dirent } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Clock } from "../../harness/clock.ts";
import { messageOf, UsageError } from "../../harness/errors.ts";
import { type KeyFiles, openKeys } from "./envelope-keys.ts";
import { type EnvelopeSubject, notWrittenHere, storedValues } from "./envelope-subject.ts";
import type { EtcdValue } from "./envelope-value.ts";

export interface OpenFolderValuesOptions extends KeyFiles {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Opens a folder of values: a file's path below it is the etcd key (`registry/secrets/NAMESPACE/NAME`), its bytes are the value. Names that
 * begin with a dot are left out: no Kubernetes object has one. One file is held at a time.
 * @throws UsageError `no-such-folder`, `no-values`, `unreadable-file` (also while the values are read); and as {@link openKeys} does.
 */
export async function openFolderValues(folder: string, options: OpenFolderValuesOptions): Promise<EnvelopeSubject & AsyncDisposable> {
  const paths = await filesBelow(folder);
  if (paths.length === 0) {
    throw new UsageError("no-values", `${folder} holds no file, so that there is nothing to check.`, {
      hint: "A file's path below it is the etcd key, `registry/secrets/NAMESPACE/NAME`; docs/conform-envelope.md shows how to fill it.",
    });
  }
  const keys = await openKeys(options, { resource: undefined, signal: options.signal });
  const subject = storedValues({
    ...keys,
    origin: `the folder ${folder}`,
    values: () => valuesOf(folder, paths),
    lacks: { ...notWrittenHere, ...(keys.lack === undefined ? {} : { keys: keys.lack }) },
    clock: options.clock,
  });
  return Object.assign(subject, { [Symbol.asyncDispose]: async () => keys[Symbol.dispose]() });
}

async function* valuesOf(folder: string, paths: readonly string[]): AsyncIterable<EtcdValue> {
  for (const path of paths) {
    const key = `/${relative(folder, path).split(sep).join("/")}`;
    yield { key, value: await readValue(path), modRevision: undefined };
  }
}

/** In the order of the keys. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await entriesOf(folder);
  return entries
    .filter((entry) => !isHidden(entry, folder) && !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) {
        throw new UsageError("unreadable-file", `${path} is neither a file nor a folder; a folder of values holds nothing else.`);
      }
      return path;
    })
    .sort((a, b) => (a < b ? -1 : 1));
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (thrown) {
    throw new UsageError("no-such-folder", `${folder} cannot be read as a folder of values: ${messageOf(thrown)}.`, { cause: thrown });
  }
}

function isHidden({ parentPath, name }: Dirent, folder: string): boolean {
  return relative(folder, join(parentPath, name))
    .split(sep)
    .some((part) => part.startsWith("."));
}

async function readValue(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw new UsageError("unreadable-file", `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
}
