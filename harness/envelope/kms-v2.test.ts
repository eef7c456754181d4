import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "./bytes.ts";
import { deriveKey, type KmsV2DekSource, openKmsV2, sealKmsV2 } from "./kms-v2.ts";
import { forEachFlip, fromHex, replay } from "./vectors.ts";

const aad = utf8("/registry/secrets/default/a");
const randomness = new Uint8Array(44).map((_, at) => at);
const seedSource: KmsV2DekSource = {
  dek: new Uint8Array(32).fill(7),
  keyId: "k",
  encryptedDekSource: utf8("edek"),
  annotations: new Map(),
  encryptedDekSourceType: 1,
};
const keySource: KmsV2DekSource = { ...seedSource, encryptedDekSourceType: 0 };
const notAuthentic = expect.objectContaining({ code: "not-authentic", message: "cipher: message authentication failed" });

describe.each([
  ["type 1", seedSource, 60],
  ["type 0", keySource, 28],
])("KMS v2 %s", (_, source, overhead) => {
  const object = sealKmsV2(source, { plaintext: utf8("plaintext"), aad, random: replay(randomness) });

  it("opens what it sealed, and repeats the DEK source without the DEK", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 60 }), (plaintext, anyAad) => {
        const sealed = sealKmsV2(source, { plaintext, aad: anyAad, random: replay(randomness) });
        const { dek, ...repeated } = source;
        expect(sealed).toEqual({ ...repeated, encryptedData: sealed.encryptedData });
        expect(sealed.encryptedData).toHaveLength(plaintext.length + overhead);
        expect(openKmsV2(dek, sealed, anyAad)).toEqual({ plaintext });
      }),
    );
  });

  it("stores the randomness first", () => {
    expect(object.encryptedData.subarray(0, overhead - 16)).toEqual(randomness.subarray(0, overhead - 16));
  });

  it("refuses any single changed byte", () => {
    forEachFlip(object.encryptedData, (encryptedData) => {
      expect(() => openKmsV2(source.dek, { ...object, encryptedData }, aad)).toThrow(notAuthentic);
    });
  });

  it("is bound to the AAD", () => {
    expect(() => openKmsV2(source.dek, object, utf8("/registry/secrets/default/b"))).toThrow(notAuthentic);
  });

  it("does not open as the other type", () => {
    const other = { ...object, encryptedDekSourceType: 1 - object.encryptedDekSourceType };
    expect(() => openKmsV2(source.dek, other, aad)).toThrow(expect.objectContaining({ name: "EnvelopeError" }));
  });

  it("calls data short below what is stored before the ciphertext", () => {
    const short = (length: number) => ({ ...object, encryptedData: object.encryptedData.subarray(0, length) });
    for (const length of [0, overhead - 29, overhead - 17].filter((any) => any >= 0)) {
      expect(() => openKmsV2(source.dek, short(length), aad)).toThrow(expect.objectContaining({ code: "body-too-short" }));
    }
    expect(() => openKmsV2(source.dek, short(overhead - 16), aad)).toThrow(notAuthentic);
  });
});

describe("KMS v2", () => {
  it("opens with a seed of more than 32 bytes", () => {
    const long = { ...seedSource, dek: concat(seedSource.dek, seedSource.dek) };
    const object = sealKmsV2(long, { plaintext: utf8("plaintext"), aad, random: replay(randomness) });
    expect(openKmsV2(long.dek, object, aad)).toEqual({ plaintext: utf8("plaintext") });
  });

  it("refuses a seed of less than 32 bytes", () => {
    const object = sealKmsV2(seedSource, { plaintext: utf8("plaintext"), aad, random: replay(randomness) });
    expect(() => openKmsV2(seedSource.dek.subarray(1), object, aad)).toThrow(
      expect.objectContaining({ code: "seed-size", message: "invalid seed length 31 used for key generation" }),
    );
  });

  it("refuses a DEK that is no AES key", () => {
    expect(() => sealKmsV2({ ...keySource, dek: utf8("short") }, { plaintext: aad, aad, random: replay(randomness) })).toThrow(
      expect.objectContaining({ code: "key-size" }),
    );
  });

  it("refuses an unknown type", () => {
    expect(() => sealKmsV2({ ...seedSource, encryptedDekSourceType: 2 }, { plaintext: aad, aad, random: replay(randomness) })).toThrow(
      expect.objectContaining({ code: "dek-source-type" }),
    );
  });

  it("derives keys as HKDF-Expand does (RFC 5869, test case 1, its first 32 bytes)", () => {
    const prk = fromHex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    expect(deriveKey(prk, fromHex("f0f1f2f3f4f5f6f7f8f9"))).toEqual(
      fromHex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"),
    );
  });
});
