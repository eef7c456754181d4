import { randomBytes, randomUUID } from "node:crypto";
import { type BigIntStats, closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Clock } from "../harness/clock.ts";
import { messageOf, PluginError, systemCodeOf } from "../harness/errors.ts";
import { holdLockFile } from "../harness/lock-file.ts";

const format = "kmsmark-local-keys/1";

/** 256 bits, base64. */
const secretSchema = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, "not base64 of 32 bytes");

const keySchema = z.strictObject({
  /** Drawn at random for each version, so that it is never used again. */
  id: z.uuid(),
  created: z.iso.datetime(),
  secret: secretSchema,
});

const fileSchema = z.strictObject({
  format: z.literal(format),
  /** The last one encrypts; all decrypt. */
  keys: z
    .array(keySchema)
    .min(1)
    .refine((keys) => new Set(keys.map((key) => key.id)).size === keys.length, "two keys have the same id"),
});

/** One key version of a key file. `secret` is the key itself, base64. */
export type KeyFileEntry = z.infer<typeof keySchema>;

export interface KeyFile {
  /** Oldest first; the last one encrypts. At least one. */
  readonly keys: readonly KeyFileEntry[];
  /** Changes whenever the file does; {@link keyFileMark} tells it without reading the file. */
  readonly mark: string;
}

/**
 * Reads and checks a key file. No message of it quotes the file.
 * @throws PluginError `key-file-missing`, `key-file-mode`, `key-file-bad` or `key-file-unreadable`.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const [text, mark] = await readPrivately(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text around the fault, and so perhaps a key.
    throw new PluginError("key-file-bad", `The key file ${path} is not JSON.`, { hint: "Restore it from a copy." });
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`).join("; ");
    throw new PluginError("key-file-bad", `The key file ${path} is wrong: ${faults}.`, { hint: "Restore it from a copy." });
  }
  return { keys: parsed.data.keys, mark };
}

/** Reads the key file, or creates it with one key version where there is none. */
export async function readOrCreateKeyFile(path: string, clock: Clock): Promise<KeyFile> {
  try {
    return await readKeyFile(path);
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
  {
    using _lock = await lock(path, clock);
    try {
      return await readKeyFile(path);
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
    }
    exchange(path, [newEntry(clock)]);
  }
  return readKeyFile(path);
}

/**
 * Adds a key version, which encrypts from then on. Two rotations at once both succeed, one after the other.
 * @throws PluginError as {@link readKeyFile}, and `key-file-unwritable` or `lock-held`.
 */
export async function rotateKeyFile(path: string, clock: Clock): Promise<KeyFile> {
  // Before the lock, so that a wrong path leaves no lock anywhere.
  await readKeyFile(path);
  {
    using _lock = await lock(path, clock);
    const { keys } = await readKeyFile(path);
    exchange(path, [...keys, newEntry(clock)]);
  }
  return readKeyFile(path);
}

/** What tells one state of the file from the next: costs one stat call. */
export async function keyFileMark(path: string): Promise<string> {
  return markOf(await stat(path, { bigint: true }));
}

async function readPrivately(path: string): Promise<[text: string, mark: string]> {
  await using file = await openToRead(path);
  const stats = await file.stat({ bigint: true });
  if (!stats.isFile()) throw new PluginError("key-file-unreadable", `The key file ${path} is no regular file.`);
  const mode = Number(stats.mode) & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new PluginError(
      "key-file-mode",
      `The key file ${path} has mode ${mode.toString(8).padStart(4, "0")}, so that others could read or change it.`,
      {
        hint: `Make it yours alone: chmod 600 ${path}. If others may have read it, rotate the key.`,
      },
    );
  }
  return [await file.readFile("utf8"), markOf(stats)];
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK a named pipe would keep the start waiting.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") {
      throw new PluginError("key-file-missing", `There is no key file ${path}.`, {
        hint: "`kmsmark plugin` creates it at its first start.",
        cause: thrown,
      });
    }
    throw new PluginError("key-file-unreadable", `The key file cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
}

function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

function newEntry(clock: Clock): KeyFileEntry {
  return { id: randomUUID(), created: new Date(clock.wallMs()).toISOString(), secret: randomBytes(32).toString("base64") };
}

/** Exchanges the file in one step; it is on the disk when this returns, since data may be encrypted under the new key at once. */
function exchange(path: string, keys: readonly KeyFileEntry[]): void {
  const newPath = `${path}.new`;
  try {
    // A leftover of a killed process; only who holds the lock comes here.
    rmSync(newPath, { force: true });
    const file = openSync(newPath, "wx", 0o600);
    try {
      writeFileSync(file, `${JSON.stringify({ format, keys }, undefined, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(newPath, path);
    const folder = openSync(dirname(path), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (thrown) {
    rmSync(newPath, { force: true });
    throw unwritable(path, thrown);
  }
}

async function lock(path: string, clock: Clock): Promise<Disposable> {
  try {
    return await holdLockFile(path, clock);
  } catch (thrown) {
    throw thrown instanceof PluginError ? thrown : unwritable(path, thrown);
  }
}

function unwritable(path: string, thrown: unknown): PluginError {
  return new PluginError("key-file-unwritable", `The key file ${path} cannot be written: ${messageOf(thrown)}.`, { cause: thrown });
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof PluginError && thrown.code === "key-file-missing";
}
