import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../harness/virtual-clock.ts";
import { keyFileMark, readKeyFile, readOrCreateKeyFile, rotateKeyFile } from "./local-key-file.ts";

const clock = new VirtualClock();

async function arrange() {
  const folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-keys-"));
  return { folder: folder.path, path: join(folder.path, "keys.json"), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const secret = Buffer.alloc(32, 7).toString("base64");
const key = { id: "4a3f1c9e-0b5d-4e57-9d0a-2f6c8b1e7a90", created: "2026-01-01T00:00:00.000Z", secret };
const good = { format: "kmsmark-local-keys/1", keys: [key] };

describe("readOrCreateKeyFile", () => {
  it("creates a file of mode 0600 with one random key", async () => {
    await using place = await arrange();
    const { keys } = await readOrCreateKeyFile(place.path, clock);
    expect(keys).toEqual([
      { id: expect.stringMatching(/^[0-9a-f-]{36}$/), created: "2026-01-01T00:00:00.000Z", secret: expect.stringMatching(/^.{43}=$/) },
    ]);
    expect(statSync(place.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(place.folder)).toEqual(["keys.json"]);
  });

  it("keeps the keys that are there", async () => {
    await using place = await arrange();
    const first = await readOrCreateKeyFile(place.path, clock);
    expect(await readOrCreateKeyFile(place.path, clock)).toEqual(first);
  });

  it("gives all who start at once the same key", async () => {
    await using place = await arrange();
    const files = await Promise.all(Array.from({ length: 8 }, () => readOrCreateKeyFile(place.path, new EndlessPatience())));
    expect(new Set(files.map(({ keys }) => JSON.stringify(keys))).size).toBe(1);
  });

  it("says that the folder is missing", async () => {
    await using place = await arrange();
    await expect(readOrCreateKeyFile(join(place.folder, "no", "keys.json"), clock)).rejects.toMatchObject({ code: "key-file-unwritable" });
  });
});

describe("readKeyFile", () => {
  it.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777])("refuses mode %o", async (mode) => {
    await using place = await arrange();
    await readOrCreateKeyFile(place.path, clock);
    chmodSync(place.path, mode);
    await expect(readKeyFile(place.path)).rejects.toMatchObject({
      code: "key-file-mode",
      message: expect.stringContaining(`has mode 0${mode.toString(8)}, so that others could read or change it`),
      hint: expect.stringContaining(`chmod 600 ${place.path}`),
    });
  });

  it("looks at the mode of the file, not of a link to it", async () => {
    await using place = await arrange();
    await readOrCreateKeyFile(place.path, clock);
    symlinkSync(place.path, `${place.path}.link`);
    expect((await readKeyFile(`${place.path}.link`)).keys).toHaveLength(1);
    chmodSync(place.path, 0o644);
    await expect(readKeyFile(`${place.path}.link`)).rejects.toMatchObject({ code: "key-file-mode" });
  });

  it("says what is no file at all", async () => {
    await using place = await arrange();
    await expect(readKeyFile(place.path)).rejects.toMatchObject({ code: "key-file-missing" });
    mkdirSync(place.path);
    await expect(readKeyFile(place.path)).rejects.toMatchObject({ code: "key-file-unreadable" });
  });

  it("takes a good file", async () => {
    await using place = await arrange();
    writeFileSync(place.path, JSON.stringify(good), { mode: 0o600 });
    expect((await readKeyFile(place.path)).keys).toEqual([key]);
  });

  it.each([
    ["no text", "", "is not JSON"],
    ["half a file", JSON.stringify(good).slice(0, -40), "is not JSON"],
    ["a key without quotes", `{"format":"kmsmark-local-keys/1","keys":[{"secret":${secret}}]}`, "is not JSON"],
    ["another format", JSON.stringify({ ...good, format: "kmsmark-local-keys/2" }), "format: "],
    ["no keys", JSON.stringify({ ...good, keys: [] }), "keys: "],
    ["something more", JSON.stringify({ ...good, secrets: secret }), "the whole: "],
    [
      "a secret of 31 bytes",
      JSON.stringify({ ...good, keys: [{ ...key, secret: Buffer.alloc(31, 7).toString("base64") }] }),
      "keys.0.secret: ",
    ],
    [
      "a secret of 33 bytes",
      JSON.stringify({ ...good, keys: [{ ...key, secret: Buffer.alloc(33, 7).toString("base64") }] }),
      "keys.0.secret: ",
    ],
    ["a secret that is a number", JSON.stringify({ ...good, keys: [{ ...key, secret: 707070707 }] }), "keys.0.secret: "],
    ["an id that is no UUID", JSON.stringify({ ...good, keys: [{ ...key, id: secret }] }), "keys.0.id: "],
    ["the same id twice", JSON.stringify({ ...good, keys: [key, key] }), "two keys have the same id"],
  ])("refuses %s without quoting it", async (_what, text, message) => {
    await using place = await arrange();
    writeFileSync(place.path, text, { mode: 0o600 });
    const fault = await readKeyFile(place.path).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: "key-file-bad", message: expect.stringContaining(message) });
    const shown = `${fault instanceof Error ? `${fault.stack} ${JSON.stringify(fault)} ${fault.cause}` : ""}`;
    expect(shown).not.toContain("BwcHBw");
    expect(shown).not.toContain("707070707");
  });
});

describe("rotateKeyFile", () => {
  it("adds a version behind the others and keeps mode 0600", async () => {
    await using place = await arrange();
    const before = await readOrCreateKeyFile(place.path, clock);
    const after = await rotateKeyFile(place.path, clock);
    expect(after.keys).toHaveLength(2);
    expect(after.keys[0]).toEqual(before.keys[0]);
    expect(after.mark).not.toBe(before.mark);
    expect(statSync(place.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(place.folder)).toEqual(["keys.json"]);
  });

  it("loses no version when several rotate at once", async () => {
    await using place = await arrange();
    await readOrCreateKeyFile(place.path, clock);
    await Promise.all(Array.from({ length: 4 }, () => rotateKeyFile(place.path, new EndlessPatience())));
    expect((await readKeyFile(place.path)).keys).toHaveLength(5);
  });

  it("does not create a file", async () => {
    await using place = await arrange();
    await expect(rotateKeyFile(place.path, clock)).rejects.toMatchObject({ code: "key-file-missing" });
    expect(readdirSync(place.folder)).toEqual([]);
  });

  it("leaves a bad file as it is", async () => {
    await using place = await arrange();
    writeFileSync(place.path, "{}", { mode: 0o600 });
    await expect(rotateKeyFile(place.path, clock)).rejects.toMatchObject({ code: "key-file-bad" });
    expect(readFileSync(place.path, "utf8")).toBe("{}");
  });

  it("clears away what a killed rotation left half written", async () => {
    await using place = await arrange();
    await readOrCreateKeyFile(place.path, clock);
    writeFileSync(`${place.path}.new`, "half", { mode: 0o666 });
    expect((await rotateKeyFile(place.path, clock)).keys).toHaveLength(2);
    expect(readdirSync(place.folder)).toEqual(["keys.json"]);
  });

  it("says that a lock was left, and which", async () => {
    await using place = await arrange();
    await readOrCreateKeyFile(place.path, clock);
    writeFileSync(`${place.path}.lock`, "");
    await expect(rotateKeyFile(place.path, new HastyClock())).rejects.toMatchObject({
      code: "lock-held",
      hint: `If no other kmsmark works on ${place.path}, remove ${place.path}.lock.`,
    });
    expect((await readKeyFile(place.path)).keys).toHaveLength(1);
  });
});

describe("keyFileMark", () => {
  it("is the mark of what was read, and changes with the file", async () => {
    await using place = await arrange();
    const { mark } = await readOrCreateKeyFile(place.path, clock);
    expect(await keyFileMark(place.path)).toBe(mark);
    await rotateKeyFile(place.path, clock);
    expect(await keyFileMark(place.path)).not.toBe(mark);
  });
});

/** Whoever sleeps moves the time on. */
class HastyClock extends VirtualClock {
  override sleep(ms: number): Promise<void> {
    return this.advance(ms);
  }
}

/** Sleeps for a turn of the event loop, however long it is asked to, and never runs out of patience. */
class EndlessPatience extends VirtualClock {
  override sleep(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
