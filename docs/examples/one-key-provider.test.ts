import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openOneKeyProvider } from "./one-key-provider.ts";

const context = { signal: new AbortController().signal, deadlineMs: 3000, uid: "u" };
const dek = Uint8Array.from({ length: 32 }, (_byte, index) => index);

/** A provider with a key of one byte value. */
async function openWith(byte: number, length = 32) {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-one-key-"));
  const kekFile = join(folder.path, "kek");
  await writeFile(kekFile, Buffer.alloc(length, byte), { mode: 0o600 });
  return await openOneKeyProvider({ kekFile });
}

it("gives back what it encrypted, under both contracts, also after a restart", async () => {
  await using before = await openWith(1);
  await using after = await openWith(1);
  expect(await after.decrypt(await before.encrypt(dek, context), context)).toEqual(Buffer.from(dek));
  expect(await after.decryptV1(await before.encryptV1(dek, context), context)).toEqual(Buffer.from(dek));
});

it("refuses what was changed, what another key made, and the ciphertext of the other contract", async () => {
  await using provider = await openWith(1);
  await using other = await openWith(2);
  const wrapped = await provider.encrypt(dek, context);
  for (let at = 0; at < wrapped.ciphertext.length; at++) {
    const ciphertext = wrapped.ciphertext.map((byte, index) => (index === at ? byte ^ 1 : byte));
    await expect(provider.decrypt({ ...wrapped, ciphertext }, context)).rejects.toMatchObject({ kind: "invalid-ciphertext" });
  }
  await expect(other.decrypt(wrapped, context)).rejects.toMatchObject({ kind: "key-unusable" });
  await expect(provider.decryptV1(wrapped.ciphertext, context)).rejects.toMatchObject({ kind: "invalid-ciphertext" });
  await expect(provider.decryptV1(new Uint8Array(3), context)).rejects.toMatchObject({ kind: "invalid-ciphertext" });
});

it("refuses a file that holds no key", async () => {
  await expect(openWith(1, 31)).rejects.toMatchObject({ code: "kek-length" });
  await expect(openOneKeyProvider({ kekFile: "/nowhere/kek" })).rejects.toMatchObject({ code: "kek-unreadable" });
});
