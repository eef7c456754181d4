import { describe, expect, it } from "vitest";
import { onceOnlyPart } from "./once-only.ts";
import { parseStoredValue } from "./stored-value.ts";
import { vector } from "./vectors.ts";

const partOf = (name: string) => onceOnlyPart(parseStoredValue(vector(name).Stored));

describe("the part of a stored value that occurs once", () => {
  it.each([
    ["aescbc", "IV", 16],
    ["aesgcm", "nonce", 12],
    ["secretbox", "nonce", 24],
    ["kmsv2-hkdf", "info", 32],
    ["kmsv2-gcm-key", "nonce", 12],
  ])("of %s is its %s of %i bytes, where the body begins", (name, what, length) => {
    const part = partOf(name);
    const value = parseStoredValue(vector(name).Stored);
    const body = "body" in value ? value.body : "object" in value ? value.object.encryptedData : undefined;
    expect([part?.what, part?.bytes]).toEqual([what, body?.subarray(0, length)]);
  });

  it("of KMS v1 is the encrypted DEK", () => {
    const value = parseStoredValue(vector("kmsv1-gcm").Stored);
    expect(partOf("kmsv1-gcm")).toMatchObject({ what: "encrypted DEK", bytes: "edek" in value ? value.edek : undefined });
  });

  it("is among the values of one key, or of one DEK source", () => {
    expect(partOf("aesgcm")?.scope).toBe("key1");
    expect(partOf("kmsv2-hkdf")?.scope).not.toBe(partOf("upstream-legacy-v1.28-hkdf")?.scope);
  });

  it("is not there where the body is too short for it", () => {
    expect(onceOnlyPart({ kind: "secretbox", keyName: "key1", body: new Uint8Array(23) })).toBe(undefined);
  });

  it("is not there in plain text", () => {
    expect(onceOnlyPart({ kind: "identity", plaintext: new Uint8Array(0) })).toBe(undefined);
  });
});
