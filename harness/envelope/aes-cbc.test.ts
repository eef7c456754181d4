import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openAesCbc, sealAesCbc } from "./aes-cbc.ts";
import { concat, utf8 } from "./bytes.ts";
import { replay } from "./vectors.ts";

const key = new Uint8Array(32).fill(7);
const iv = new Uint8Array(16).fill(9);

/** iv ‖ CBC of blocks whose padding is as given. */
function sealPadded(blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  return concat(iv, cipher.update(blocks), cipher.final());
}

function blocksEnding(length: number, ...end: number[]): Uint8Array {
  const blocks = new Uint8Array(length).fill(0x41);
  blocks.set(end, length - end.length);
  return blocks;
}

describe("AES-CBC", () => {
  it("opens what it sealed, with keys of 16, 24 and 32 bytes", () => {
    const keys = fc.constantFrom(16, 24, 32).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
    fc.assert(
      fc.property(keys, fc.uint8Array({ maxLength: 300 }), (anyKey, plaintext) => {
        const sealed = sealAesCbc(anyKey, { plaintext, random: replay(iv) });
        expect(sealed).toHaveLength(32 + plaintext.length - (plaintext.length % 16));
        expect(openAesCbc(anyKey, sealed)).toEqual({ plaintext });
      }),
    );
  });

  it("does not notice a changed IV", () => {
    const sealed = sealAesCbc(key, { plaintext: utf8("a plaintext of more than a block"), random: replay(iv) });
    sealed[0] = (sealed[0] ?? 0) ^ 0x20;
    expect(openAesCbc(key, sealed)).toEqual({ plaintext: utf8("A plaintext of more than a block") });
  });

  it("refuses a body shorter than the IV", () => {
    expect(() => openAesCbc(key, iv.subarray(1))).toThrow(
      expect.objectContaining({ code: "body-too-short", message: "the stored data was shorter than the required size" }),
    );
  });

  it("refuses a body without a block", () => {
    expect(() => openAesCbc(key, iv)).toThrow(expect.objectContaining({ code: "padding-absent" }));
  });

  it("refuses a cut block", () => {
    const sealed = sealAesCbc(key, { plaintext: utf8("plaintext"), random: replay(iv) });
    expect(() => openAesCbc(key, sealed.subarray(0, -1))).toThrow(
      expect.objectContaining({ code: "block-size", message: "the stored data is not a multiple of the block size" }),
    );
  });

  it.each([
    ["zero", blocksEnding(16, 0)],
    ["longer than the blocks", blocksEnding(16, 17)],
  ])("refuses a padding of %s", (_, blocks) => {
    expect(() => openAesCbc(key, sealPadded(blocks))).toThrow(
      expect.objectContaining({ code: "padding-absent", message: "invalid PKCS7 data (empty or not padded)" }),
    );
  });

  it("refuses a padding of unequal bytes", () => {
    expect(() => openAesCbc(key, sealPadded(blocksEnding(16, 2, 3, 3)))).toThrow(
      expect.objectContaining({ code: "padding-wrong", message: "invalid padding on input" }),
    );
  });

  it("accepts a padding longer than a block, as kube-apiserver does", () => {
    const blocks = concat(utf8("abc"), new Uint8Array(29).fill(29));
    expect(openAesCbc(key, sealPadded(blocks))).toEqual({ plaintext: utf8("abc") });
  });

  it("refuses a key of 20 bytes", () => {
    expect(() => openAesCbc(new Uint8Array(20), iv)).toThrow(expect.objectContaining({ code: "key-size" }));
  });
});
