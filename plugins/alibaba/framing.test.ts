import fc from "fast-check";
import { expect, it } from "vitest";
import { type Form, framePlaintext, frameV1, plaintextBytesMax, unframePlaintext, unframeV1 } from "./framing.ts";

const bytes = fc.uint8Array({ maxLength: 64 });
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);

it("gives a plaintext back to the contract that framed it, and to no other", () => {
  fc.assert(
    fc.property(bytes, fc.constantFrom<Form>("v1", "v2"), (plaintext, form) => {
      const framed = framePlaintext(form, plaintext);
      expect(framed).toHaveLength(plaintext.length + 1);
      expect(unframePlaintext(form, framed)).toEqual(Buffer.from(plaintext));
      expect(unframePlaintext(form === "v1" ? "v2" : "v1", framed)).toBeUndefined();
    }),
  );
});

it("keeps inside the 6 KiB of the KMS", () => {
  expect(framePlaintext("v2", new Uint8Array(plaintextBytesMax))).toHaveLength(6144);
});

it("knows nothing of what has no form", () => {
  expect(unframePlaintext("v2", new Uint8Array())).toBeUndefined();
  expect(unframePlaintext("v2", Uint8Array.of(0, 1))).toBeUndefined();
});

it("puts the key before a ciphertext of KMS v1, and finds it again", () => {
  fc.assert(
    fc.property(id, fc.uint8Array({ minLength: 1, maxLength: 64 }), (keyId, blob) => {
      expect(unframeV1(frameV1(keyId, blob))).toEqual({ keyId, blob: Buffer.from(blob) });
    }),
  );
});

it("takes any bytes for what they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      const read = unframeV1(any);
      if (read !== undefined) expect(frameV1(read.keyId, read.blob)).toEqual(Buffer.from(any));
    }),
  );
});

it.each([[[]], [[1]], [[1, 3]], [[1, 0, 9]], [[2, 1, 0x61, 9]], [[1, 1, 0x2f, 9]], [[1, 1, 0x61]]])(
  "takes %j for no ciphertext of KMS v1",
  (wrong) => {
    expect(unframeV1(Uint8Array.from(wrong))).toBeUndefined();
  },
);
