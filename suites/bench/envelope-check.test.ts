import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  buildStoredValue,
  dekSourceTypes,
  encodeSecret,
  sealAesCbc,
  sealAesGcm,
  sealKmsV1,
  sealKmsV2,
  sealSecretbox,
} from "../../harness/envelope/index.ts";
import { KmsCallError, type KmsV1, type KmsV2 } from "../../harness/kms/contract.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import type { EnvelopeCheck } from "../../harness/run/schema.ts";
import type { StoredValue } from "../../harness/target/target.ts";
import { checkEnvelopes, type EnvelopeSource } from "./envelope-check.ts";

const spec: SecretSpec = {
  namespace: "default",
  name: "password",
  type: "Opaque",
  data: new Map([["password", Buffer.from("correct horse battery staple")]]),
};
const key = "/registry/secrets/default/password";
const aad = Buffer.from(key);
const dek = randomBytes(32);
const edek = randomBytes(60);
const localKey = { name: "key1", secret: randomBytes(32) };
const random = (length: number) => new Uint8Array(randomBytes(length));

function plaintextOf({ namespace, name, type, data }: SecretSpec): Uint8Array {
  const metadata = { namespace, name, uid: "0a2b6a4e-8f0c-4c55-9d7b-7f0f4f3c2a10", labels: new Map(), annotations: new Map() };
  return encodeSecret({ metadata, type, data });
}

/** A KMS that knows one encrypted DEK. */
const kmsV2: KmsV2 = {
  status: () => Promise.reject(new Error("not asked for")),
  encrypt: () => Promise.reject(new Error("not asked for")),
  async decrypt({ ciphertext, keyId }) {
    if (Buffer.compare(ciphertext, edek) !== 0 || keyId !== "kek") throw new KmsCallError(3, "no such key");
    return { plaintext: dek };
  },
};
const kmsV1: KmsV1 = {
  version: () => Promise.reject(new Error("not asked for")),
  encrypt: () => Promise.reject(new Error("not asked for")),
  async decrypt(cipher) {
    if (Buffer.compare(cipher, edek) !== 0) throw new KmsCallError(3, "no such key");
    return dek;
  },
};

const dekSource = {
  dek,
  keyId: "kek",
  encryptedDekSource: edek,
  annotations: new Map([["version.kms.example", Buffer.from("1")]]),
  encryptedDekSourceType: dekSourceTypes.hkdfSha256XnonceAesGcmSeed,
};

/** How each provider stores a plaintext, and how the check gets at its key. */
const schemes = {
  identity: {
    keys: { provider: "identity" },
    store: (plaintext: Uint8Array) => buildStoredValue({ kind: "identity", plaintext }),
  },
  aescbc: {
    keys: { provider: "aescbc", key: localKey },
    store: (plaintext: Uint8Array) =>
      buildStoredValue({ kind: "aescbc", keyName: "key1", body: sealAesCbc(localKey.secret, { plaintext, random }) }),
  },
  aesgcm: {
    keys: { provider: "aesgcm", key: localKey },
    store: (plaintext: Uint8Array) =>
      buildStoredValue({ kind: "aesgcm", keyName: "key1", body: sealAesGcm(localKey.secret, { plaintext, aad, random }) }),
  },
  secretbox: {
    keys: { provider: "secretbox", key: localKey },
    store: (plaintext: Uint8Array) =>
      buildStoredValue({ kind: "secretbox", keyName: "key1", body: sealSecretbox(localKey.secret, { plaintext, random }) }),
  },
  "kms-v1": {
    keys: { provider: "kms-v1", kms: kmsV1, name: "kmsmark" },
    store: (plaintext: Uint8Array) =>
      buildStoredValue({ kind: "kms-v1", providerName: "kmsmark", ...sealKmsV1({ dek, edek }, { plaintext, aad, random }) }),
  },
  "kms-v2": {
    keys: { provider: "kms-v2", kms: kmsV2, name: "kmsmark" },
    store: (plaintext: Uint8Array) =>
      buildStoredValue({ kind: "kms-v2", providerName: "kmsmark", object: sealKmsV2(dekSource, { plaintext, aad, random }) }),
  },
} satisfies Record<string, { keys: EnvelopeSource; store: (plaintext: Uint8Array) => Uint8Array }>;

async function check(
  values: Readonly<Record<string, Uint8Array>>,
  keys: EnvelopeSource,
  written = new Map([[key, () => spec]]),
): Promise<EnvelopeCheck> {
  async function* stored(): AsyncIterable<StoredValue> {
    for (const [at, value] of Object.entries(values)) yield { key: at, value, modRevision: 1 };
  }
  return await checkEnvelopes(stored(), written, keys, { newUid: () => "uid", signal: new AbortController().signal });
}

/** The reason that the only value is wrong for. */
async function reasonOf(value: Uint8Array, keys: EnvelopeSource): Promise<string | undefined> {
  const { right, wrong } = await check({ [key]: value }, keys);
  expect(right).toBe(0);
  return wrong[0]?.reason;
}

describe.each(Object.entries(schemes))("a value of %s", (name, { keys, store }) => {
  it("is right as it should be, and its sizes are added up", async () => {
    const plaintext = plaintextOf(spec);
    const value = store(plaintext);
    expect(await check({ [key]: value }, keys)).toEqual({
      total: 1,
      right: 1,
      wrong: [],
      plaintextBytes: plaintext.length,
      storedBytes: value.length,
    });
  });

  it("is wrong when another Secret was written", async () => {
    const other = { ...spec, data: new Map([["password", Buffer.from("another horse battery staple")]]) };
    expect(await reasonOf(store(plaintextOf(other)), keys)).toBe("It decrypts to something else than what was written.");
  });

  it("is wrong when it is of another provider", async () => {
    const other = name === "identity" ? schemes.aesgcm : schemes.identity;
    expect(await reasonOf(other.store(plaintextOf(spec)), keys)).toMatch(/^It was written by /);
  });

  it("is wrong when it is missing", async () => {
    expect((await check({}, keys)).wrong).toEqual([{ key, reason: "It is not in the store." }]);
  });
});

const authenticated = Object.entries(schemes).filter(([name]) => name !== "identity" && name !== "aescbc");

describe.each(authenticated)("an authenticated value of %s", (_name, { keys, store }) => {
  it("is wrong when its last byte is flipped", async () => {
    const value = store(plaintextOf(spec));
    const flipped = Uint8Array.from(value);
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    expect(await reasonOf(flipped, keys)).not.toBe(undefined);
  });
});

describe.each(["aesgcm", "kms-v1", "kms-v2"] as const)("a value of %s", (name) => {
  it("is wrong under another etcd key, which it is bound to", async () => {
    const { keys, store } = schemes[name];
    const moved = "/registry/secrets/default/moved";
    const written = new Map([[moved, () => ({ ...spec, name: "moved" })]]);
    const { right, wrong } = await check({ [moved]: store(plaintextOf({ ...spec, name: "moved" })) }, keys, written);
    expect([right, wrong.length]).toEqual([0, 1]);
  });
});

describe("what a value must not share or show", () => {
  it("is wrong when two values have the same nonce", async () => {
    const nonce = randomBytes(12);
    const other = "/registry/secrets/default/second";
    const sealed = (at: string, name: string) =>
      buildStoredValue({
        kind: "aesgcm",
        keyName: "key1",
        body: sealAesGcm(localKey.secret, { plaintext: plaintextOf({ ...spec, name }), aad: Buffer.from(at), random: () => nonce }),
      });
    const written = new Map([
      [key, () => spec],
      [other, () => ({ ...spec, name: "second" })],
    ]);
    const { right, wrong } = await check(
      { [key]: sealed(key, "password"), [other]: sealed(other, "second") },
      schemes.aesgcm.keys,
      written,
    );
    expect([right, wrong]).toEqual([1, [{ key: other, reason: "Its nonce occurs in another value too." }]]);
  });

  it("is wrong when two values of KMS v1 share an encrypted DEK", async () => {
    const other = "/registry/secrets/default/second";
    const sealed = (at: string, name: string) => {
      const sealing = { plaintext: plaintextOf({ ...spec, name }), aad: Buffer.from(at), random };
      return buildStoredValue({ kind: "kms-v1", providerName: "kmsmark", ...sealKmsV1({ dek, edek }, sealing) });
    };
    const written = new Map([
      [key, () => spec],
      [other, () => ({ ...spec, name: "second" })],
    ]);
    const { wrong } = await check({ [key]: sealed(key, "password"), [other]: sealed(other, "second") }, schemes["kms-v1"].keys, written);
    expect(wrong).toEqual([{ key: other, reason: "Its encrypted DEK occurs in another value too." }]);
  });

  it("is wrong when an annotation shows a value of the Secret", async () => {
    const leaking = { ...dekSource, annotations: new Map([["leak.kms.example", Buffer.from("correct horse battery staple")]]) };
    const object = sealKmsV2(leaking, { plaintext: plaintextOf(spec), aad, random });
    expect(await reasonOf(buildStoredValue({ kind: "kms-v2", providerName: "kmsmark", object }), schemes["kms-v2"].keys)).toBe(
      "A value of the Secret stands in it in plain text.",
    );
  });

  it("is wrong when it has bytes that its format has no place for", async () => {
    const value = schemes["kms-v2"].store(plaintextOf(spec));
    // An unknown protobuf field, number 15, of one byte: readers skip it.
    expect(await reasonOf(Buffer.concat([value, Uint8Array.of(0x7a, 0x01, 0x00)]), schemes["kms-v2"].keys)).toMatch(
      /^It is \d+ bytes long; /,
    );
  });

  it("is wrong when it names another provider than the configuration", async () => {
    const object = sealKmsV2(dekSource, { plaintext: plaintextOf(spec), aad, random });
    expect(await reasonOf(buildStoredValue({ kind: "kms-v2", providerName: "other", object }), schemes["kms-v2"].keys)).toBe(
      "It names another provider or key than the configuration does.",
    );
  });

  it("is wrong when the plugin does not decrypt its DEK, and the reason says so", async () => {
    const object = sealKmsV2({ ...dekSource, keyId: "unknown" }, { plaintext: plaintextOf(spec), aad, random });
    expect(await reasonOf(buildStoredValue({ kind: "kms-v2", providerName: "kmsmark", object }), schemes["kms-v2"].keys)).toBe(
      "rpc error: code = InvalidArgument desc = no such key",
    );
  });

  it("says nothing of what a wrong value holds", async () => {
    const other = { ...spec, data: new Map([["password", Buffer.from("another horse battery staple")]]) };
    const { wrong } = await check({ [key]: schemes.aesgcm.store(plaintextOf(other)) }, schemes.aesgcm.keys);
    expect(JSON.stringify(wrong)).not.toContain("horse");
  });
});
