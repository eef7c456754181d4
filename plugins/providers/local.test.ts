import { createHash } from "node:crypto";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../harness/clock.ts";
import { rotateKeyFile } from "../local-key-file.ts";
import type { Wrapped } from "../provider.ts";
import { openLocalProvider } from "./local.ts";

const context = { signal: new AbortController().signal, deadlineMs: 3000, uid: "u" };
const dek = Uint8Array.from({ length: 32 }, (_byte, index) => index);

/** A key file's path, and providers that are disposed of with it; `said` is what they logged. */
async function arrange() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-local-")));
  const keyFile = join(folder.path, "keys.json");
  const said: string[] = [];
  const log = {
    info: (message: string) => void said.push(`info ${message}`),
    warn: (message: string) => void said.push(`warn ${message}`),
  };
  const open = async () => stack.use(await openLocalProvider({ keyFile }, { log }));
  return { keyFile, said, open, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const notOurs = expect.objectContaining({ kind: "invalid-ciphertext" });
const noKey = expect.objectContaining({ kind: "key-unusable" });

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 0x01 : byte));
}

describe("KMS v2", () => {
  it("gives every plaintext of 0 to 64 KiB back", async () => {
    await using place = await arrange();
    const provider = await place.open();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 1000 }), fc.constant(new Uint8Array(65_536))),
        async (plaintext) => {
          const wrapped = await provider.encrypt(plaintext, context);
          expect(wrapped.ciphertext).toHaveLength(plaintext.length + 28);
          expect(Buffer.compare(await provider.decrypt(wrapped, context), plaintext)).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("never makes the same ciphertext twice", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const ciphertexts = await Promise.all(Array.from({ length: 64 }, () => provider.encrypt(dek, context)));
    expect(new Set(ciphertexts.map(({ ciphertext }) => Buffer.from(ciphertext).toString("hex"))).size).toBe(64);
  });

  it("refuses a ciphertext with any byte changed", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, context);
    for (let at = 0; at < wrapped.ciphertext.length; at++) {
      await expect(provider.decrypt({ ...wrapped, ciphertext: flipped(wrapped.ciphertext, at) }, context)).rejects.toEqual(notOurs);
    }
  });

  it("refuses a ciphertext cut short anywhere, or with a byte more", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, context);
    for (let length = 0; length < wrapped.ciphertext.length; length++) {
      await expect(provider.decrypt({ ...wrapped, ciphertext: wrapped.ciphertext.subarray(0, length) }, context)).rejects.toEqual(notOurs);
    }
    await expect(provider.decrypt({ ...wrapped, ciphertext: Buffer.concat([wrapped.ciphertext, Buffer.of(0)]) }, context)).rejects.toEqual(
      notOurs,
    );
  });

  it.each<[string, (annotations: ReadonlyMap<string, Uint8Array>) => [string, Uint8Array][]]>([
    ["none", () => []],
    ["one more", (annotations) => [...annotations, ["a.b", new Uint8Array(0)]]],
    ["another value", (annotations) => [...annotations].map(([key]) => [key, Buffer.from("2")])],
    ["an empty value", (annotations) => [...annotations].map(([key]) => [key, new Uint8Array(0)])],
    ["another key", (annotations) => [...annotations].map(([key, value]) => [`${key}x`, value])],
    [
      "a byte moved from value to key",
      (annotations) => [...annotations].map(([key, value]) => [`${key}${Buffer.from(value)}`, new Uint8Array(0)]),
    ],
  ])("refuses annotations that are not its own: %s", async (_what, change) => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, context);
    expect(wrapped.annotations.size).toBe(1);
    await expect(provider.decrypt({ ...wrapped, annotations: new Map(change(wrapped.annotations)) }, context)).rejects.toEqual(notOurs);
  });

  it("refuses the key_id of another version, and one that it does not have", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, context);
    await rotateKeyFile(place.keyFile, systemClock);
    const { keyId } = await provider.currentKey(context);
    await expect(provider.decrypt({ ...wrapped, keyId }, context)).rejects.toEqual(notOurs);
    await expect(provider.decrypt({ ...wrapped, keyId: `${keyId}0` }, context)).rejects.toEqual(noKey);
  });

  it("refuses what the plugin of another key file made", async () => {
    await using place = await arrange();
    await using elsewhere = await arrange();
    const foreign = await (await elsewhere.open()).encrypt(dek, context);
    await expect((await place.open()).decrypt(foreign, context)).rejects.toEqual(noKey);
  });
});

describe("KMS v1", () => {
  it("gives every plaintext back, with all that decrypting needs inside", async () => {
    await using place = await arrange();
    const provider = await place.open();
    for (const length of [0, 1, 4, 32, 65_536]) {
      const plaintext = new Uint8Array(length).fill(5);
      const ciphertext = await provider.encryptV1(plaintext, context);
      expect(ciphertext).toHaveLength(length + 45);
      expect(Buffer.compare(await provider.decryptV1(ciphertext, context), plaintext)).toBe(0);
    }
  });

  it("refuses a ciphertext with any byte changed", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const ciphertext = await provider.encryptV1(dek, context);
    for (let at = 0; at < ciphertext.length; at++) {
      // Bytes 1 to 16 name the key version.
      await expect(provider.decryptV1(flipped(ciphertext, at), context)).rejects.toEqual(at >= 1 && at <= 16 ? noKey : notOurs);
    }
  });

  it("refuses a ciphertext cut short anywhere", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const ciphertext = await provider.encryptV1(dek, context);
    for (let length = 0; length < ciphertext.length; length++) {
      await expect(provider.decryptV1(ciphertext.subarray(0, length), context)).rejects.toEqual(notOurs);
    }
  });

  it("is refused as KMS v2, and the other way round", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, context);
    const v1 = await provider.encryptV1(dek, context);
    await expect(provider.decrypt({ ...wrapped, ciphertext: v1 }, context)).rejects.toEqual(notOurs);
    await expect(provider.decrypt({ ...wrapped, ciphertext: v1.subarray(17) }, context)).rejects.toEqual(notOurs);
    await expect(provider.decryptV1(Buffer.concat([v1.subarray(0, 17), wrapped.ciphertext]), context)).rejects.toEqual(notOurs);
  });
});

describe("key versions", () => {
  it("keep what was encrypted readable after a restart", async () => {
    await using place = await arrange();
    const before = await place.open();
    const [v1, v2] = [await before.encryptV1(dek, context), await before.encrypt(dek, context)];
    await before[Symbol.asyncDispose]();
    const after = await place.open();
    expect(await after.currentKey(context)).toEqual({ keyId: v2.keyId });
    expect([...(await after.decryptV1(v1, context))]).toEqual([...dek]);
    expect([...(await after.decrypt(v2, context))]).toEqual([...dek]);
  });

  it("change once by a rotation, and all go on decrypting", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const old: Wrapped[] = [];
    for (let rotation = 0; rotation < 3; rotation++) {
      const { keyId } = await provider.currentKey(context);
      expect(await provider.currentKey(context)).toEqual({ keyId });
      old.push(await provider.encrypt(dek, context));
      expect(old.at(-1)?.keyId).toBe(keyId);
      await rotateKeyFile(place.keyFile, systemClock);
    }
    await provider.currentKey(context);
    expect(new Set(old.map(({ keyId }) => keyId)).size).toBe(3);
    for (const wrapped of old) expect([...(await provider.decrypt(wrapped, context))]).toEqual([...dek]);
    expect(place.said).toEqual(Array(3).fill("info The key was rotated: another key version encrypts from now on."));
  });

  it("are read again when asked to", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const before = await provider.encrypt(dek, context);
    await rotateKeyFile(place.keyFile, systemClock);
    expect((await provider.encrypt(dek, context)).keyId).toBe(before.keyId);
    await provider.reload?.();
    expect((await provider.encrypt(dek, context)).keyId).not.toBe(before.keyId);
  });

  it("stay in use when the file has become bad, which is said once", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const wrapped = await provider.encrypt(dek, context);
    const text = readFileSync(place.keyFile, "utf8");
    writeFileSync(place.keyFile, text.slice(0, 100));
    for (let times = 0; times < 3; times++) expect(await provider.currentKey(context)).toEqual({ keyId: wrapped.keyId });
    expect(place.said).toEqual([`warn The keys in memory stay in use. The key file ${place.keyFile} is not JSON.`]);
    chmodSync(place.keyFile, 0o644);
    await provider.currentKey(context);
    expect(place.said).toHaveLength(2);
    rmSync(place.keyFile);
    await provider.currentKey(context);
    await provider.currentKey(context);
    expect(place.said).toHaveLength(3);
    expect([...(await provider.decrypt(wrapped, context))]).toEqual([...dek]);
  });

  it("that were taken out of the file decrypt no more", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const [v1, v2] = [await provider.encryptV1(dek, context), await provider.encrypt(dek, context)];
    await rotateKeyFile(place.keyFile, systemClock);
    const file = JSON.parse(readFileSync(place.keyFile, "utf8"));
    writeFileSync(place.keyFile, JSON.stringify({ ...file, keys: file.keys.slice(1) }));
    await provider.currentKey(context);
    await expect(provider.decrypt(v2, context)).rejects.toEqual(noKey);
    await expect(provider.decryptV1(v1, context)).rejects.toEqual(noKey);
  });

  it("have another key_id when somebody exchanges the secret under an id", async () => {
    await using place = await arrange();
    const provider = await place.open();
    const { keyId } = await provider.currentKey(context);
    const file = JSON.parse(readFileSync(place.keyFile, "utf8"));
    file.keys[0].secret = Buffer.alloc(32, 1).toString("base64");
    writeFileSync(place.keyFile, JSON.stringify(file));
    expect((await provider.currentKey(context)).keyId).not.toBe(keyId);
  });

  it("have a key_id that tells nothing of the secret", async () => {
    await using place = await arrange();
    const { keyId } = await (await place.open()).currentKey(context);
    const { id, secret } = JSON.parse(readFileSync(place.keyFile, "utf8")).keys[0];
    expect(keyId).toMatch(/^[0-9a-f]{64}$/);
    const raw = Buffer.from(secret, "base64");
    expect([
      raw.toString("hex"),
      createHash("sha256").update(raw).digest("hex"),
      createHash("sha256").update(id).digest("hex"),
    ]).not.toContain(keyId);
  });
});

/** Made once by this provider: whatever changes later, these have to stay readable. */
describe("ciphertexts of the first release", () => {
  const keyFileText = JSON.stringify({
    format: "kmsmark-local-keys/1",
    keys: [
      { id: "4a3f1c9e-0b5d-4e57-9d0a-2f6c8b1e7a90", created: "2026-01-01T00:00:00.000Z", secret: Buffer.alloc(32, 7).toString("base64") },
    ],
  });
  const keyId = "e5eec1254dfd3d5069e2e8a41588b31d2bbb47a340a5e18cbc11957807a5967e";
  const v2 = "def13e0ef4c0ec248d945190f41864823f6d42c0973fc10519ed302e251843fef4687d3ee1b3c4cf9e343cb14a5950904b54a85530b36f3dc3da1c01";
  const v1 =
    "014a3f1c9e0b5d4e579d0a2f6c8b1e7a90deb6662a0840677ae5bf0ce44377ad846a91c17a1dc48e6bbc3e52680a7472706a853c2ce4cdef360e7a93c92b9b100872c6584f134308a00821ca63";

  it("are readable", async () => {
    await using place = await arrange();
    writeFileSync(place.keyFile, keyFileText, { mode: 0o600 });
    const provider = await place.open();
    const annotations = new Map([["form.kmsmark.local", Buffer.from("1")]]);
    expect([...(await provider.decrypt({ ciphertext: Buffer.from(v2, "hex"), keyId, annotations }, context))]).toEqual([...dek]);
    expect([...(await provider.decryptV1(Buffer.from(v1, "hex"), context))]).toEqual([...dek]);
  });
});
