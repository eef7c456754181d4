import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "./bytes.ts";
import { openKmsV1, sealKmsV1 } from "./kms-v1.ts";
import { forEachFlip, replay, vector } from "./vectors.ts";

const dek = new Uint8Array(32).fill(7);
const edek = utf8("edek");
const nonce = new Uint8Array(12).fill(9);
const aad = utf8("/registry/secrets/default/a");
// Its length modulo 16 is not 4, so that the second attempt, as CBC, always fails for its length.
const { payload } = sealKmsV1({ dek, edek }, { plaintext: utf8("plaintext"), aad, random: replay(nonce) });
const unreadable = expect.objectContaining({
  code: "kms-v1-unreadable",
  message: "[cipher: message authentication failed, the stored data is not a multiple of the block size]",
});

describe("KMS v1", () => {
  it("opens what it sealed, and keeps the EDEK", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 60 }), (plaintext, anyAad) => {
        const sealed = sealKmsV1({ dek, edek }, { plaintext, aad: anyAad, random: replay(nonce) });
        expect(sealed.edek).toEqual(edek);
        expect(openKmsV1(dek, sealed.payload, anyAad)).toEqual({ plaintext });
      }),
    );
  });

  it("refuses any single changed byte, with the reasons of both attempts", () => {
    forEachFlip(payload, (flipped) => expect(() => openKmsV1(dek, flipped, aad)).toThrow(unreadable));
  });

  it("is bound to the AAD", () => {
    expect(() => openKmsV1(dek, payload, utf8("/registry/secrets/default/b"))).toThrow(unreadable);
  });

  it("does not bind the legacy CBC form to the AAD", () => {
    const { Key, Stored, Plain } = vector("kmsv1-cbc-legacy");
    const legacyPayload = Stored.subarray("k8s:enc:kms:v1:myplugin:".length + 2 + 44);
    expect(openKmsV1(Key, legacyPayload, aad)).toEqual({ plaintext: Plain, legacy: true });
  });

  it("says once what both attempts say", () => {
    expect(() => openKmsV1(dek, payload.subarray(0, 11), aad)).toThrow(
      expect.objectContaining({ code: "kms-v1-unreadable", message: "the stored data was shorter than the required size" }),
    );
  });

  it("makes no second attempt with a DEK of a wrong size", () => {
    expect(() => openKmsV1(concat(dek, dek), payload, aad)).toThrow(
      expect.objectContaining({ code: "key-size", message: "crypto/aes: invalid key size 64" }),
    );
  });
});
