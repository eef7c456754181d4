import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
import { utf8 } from "./bytes.ts";
import { forEachFlip, replay } from "./vectors.ts";

const key = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12).fill(9);
const aad = utf8("/registry/secrets/default/a");
const body = sealAesGcm(key, { plaintext: utf8("plaintext"), aad, random: replay(nonce) });

describe("AES-GCM", () => {
  it("opens what it sealed, with keys of 16, 24 and 32 bytes", () => {
    const keys = fc.constantFrom(16, 24, 32).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
    fc.assert(
      fc.property(keys, fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 60 }), (anyKey, plaintext, anyAad) => {
        const sealed = sealAesGcm(anyKey, { plaintext, aad: anyAad, random: replay(nonce) });
        expect(sealed).toHaveLength(plaintext.length + 28);
        expect(openAesGcm(anyKey, sealed, anyAad)).toEqual({ plaintext });
      }),
    );
  });

  it("refuses any single changed byte", () => {
    forEachFlip(body, (flipped) => {
      expect(() => openAesGcm(key, flipped, aad)).toThrow(
        expect.objectContaining({ code: "not-authentic", message: "cipher: message authentication failed" }),
      );
    });
  });

  it("is bound to the AAD", () => {
    expect(() => openAesGcm(key, body, utf8("/registry/secrets/default/b"))).toThrow(expect.objectContaining({ code: "not-authentic" }));
  });

  it("calls a body short below the nonce, and not authentic below the tag", () => {
    const codeAt = (length: number) => {
      try {
        openAesGcm(key, body.subarray(0, length), aad);
        return "opened";
      } catch (thrown) {
        return thrown instanceof Error && "code" in thrown ? thrown.code : thrown;
      }
    };
    expect([0, 11, 12, 27, 28, body.length - 1, body.length].map(codeAt)).toEqual([
      "body-too-short",
      "body-too-short",
      "not-authentic",
      "not-authentic",
      "not-authentic",
      "not-authentic",
      "opened",
    ]);
  });

  it.each([0, 15, 31, 33])("refuses a key of %i bytes", (length) => {
    const fault = expect.objectContaining({ code: "key-size", message: `crypto/aes: invalid key size ${length}` });
    expect(() => openAesGcm(new Uint8Array(length), body, aad)).toThrow(fault);
    expect(() => sealAesGcm(new Uint8Array(length), { plaintext: aad, aad, random: replay(nonce) })).toThrow(fault);
  });

  it("refuses a source of randomness that gives another length", () => {
    expect(() => sealAesGcm(key, { plaintext: aad, aad, random: () => new Uint8Array(16) })).toThrow("Asked for 12 random bytes, got 16.");
  });
});
