import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "./bytes.ts";
import { openSecretbox, sealSecretbox } from "./secretbox.ts";
import { forEachFlip, replay } from "./vectors.ts";

const key = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(24).fill(9);
const body = sealSecretbox(key, { plaintext: utf8("plaintext"), random: replay(nonce) });

describe("secretbox", () => {
  it("opens what it sealed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 300 }), (anyKey, plaintext) => {
        const sealed = sealSecretbox(anyKey, { plaintext, random: replay(nonce) });
        expect(sealed).toHaveLength(plaintext.length + 40);
        expect(openSecretbox(anyKey, sealed)).toEqual({ plaintext });
      }),
    );
  });

  it("refuses any single changed byte, in kube-apiserver's misleading words", () => {
    forEachFlip(body, (flipped) => {
      expect(() => openSecretbox(key, flipped)).toThrow(
        expect.objectContaining({ code: "secretbox-not-authentic", message: "output array was not large enough for encryption" }),
      );
    });
  });

  it("calls a body short below nonce and tag", () => {
    expect(() => openSecretbox(key, body.subarray(0, 39))).toThrow(expect.objectContaining({ code: "body-too-short" }));
    expect(() => openSecretbox(key, body.subarray(0, 40))).toThrow(expect.objectContaining({ code: "secretbox-not-authentic" }));
  });

  it("refuses a key that has not 32 bytes", () => {
    expect(() => openSecretbox(new Uint8Array(24), body)).toThrow(expect.objectContaining({ code: "key-size" }));
  });
});
