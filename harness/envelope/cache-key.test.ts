import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { utf8 } from "./bytes.ts";
import { dekSourceBytes, dekSourceId, kmsV1CacheKey } from "./cache-key.ts";
import type { EncryptedObject } from "./encrypted-object.ts";
import { parseStoredValue } from "./stored-value.ts";
import { fromHex, vectors } from "./vectors.ts";

const object: EncryptedObject = {
  encryptedData: utf8("data"),
  keyId: "k",
  encryptedDekSource: utf8("edek"),
  annotations: new Map([
    ["a.b", utf8("1")],
    ["c.d", utf8("2")],
  ]),
  encryptedDekSourceType: 1,
};

const withCacheKey = vectors.flatMap(({ Name, Stored, Note }) => {
  const [, hex] = /cacheKey=([0-9a-f]+)/.exec(Note) ?? [];
  return hex === undefined ? [] : [{ Name, Stored, cacheKey: fromHex(hex) }];
});

describe("dekSourceId", () => {
  it("has vectors to be held against", () => {
    expect(withCacheKey.map(({ Name }) => Name)).toEqual(["kmsv2-hkdf", "kmsv2-gcm-key"]);
  });

  it.each(withCacheKey)("is the hash of kube-apiserver's cache key for $Name", ({ Stored, cacheKey }) => {
    const value = parseStoredValue(Stored);
    if (value.kind !== "kms-v2") throw new TypeError("The vector is not of KMS v2.");
    expect(dekSourceBytes(value.object)).toEqual(cacheKey);
    expect(dekSourceId(value.object)).toBe(createHash("sha256").update(cacheKey).digest("hex"));
  });

  it("depends neither on the data nor on the order of the annotations", () => {
    const same = { ...object, encryptedData: utf8("other"), annotations: new Map([...object.annotations].reverse()) };
    expect(dekSourceId(same)).toBe(dekSourceId(object));
  });

  it.each<[string, Partial<EncryptedObject>]>([
    ["type", { encryptedDekSourceType: 0 }],
    ["EDEK", { encryptedDekSource: utf8("edeK") }],
    ["key_id", { keyId: "K" }],
    ["annotations", { annotations: new Map() }],
    ["boundaries between the fields", { encryptedDekSource: utf8("ede"), keyId: "kk" }],
  ])("depends on the %s", (_, change) => {
    expect(dekSourceId({ ...object, ...change })).not.toBe(dekSourceId(object));
  });

  it("leaves out the count of no annotations", () => {
    expect(dekSourceBytes({ ...object, annotations: new Map() })).toEqual(fromHex("00000001" + "0004" + "6564656b" + "0001" + "6b"));
  });
});

describe("kmsV1CacheKey", () => {
  it("is the EDEK in base64", () => {
    expect(kmsV1CacheKey(fromHex("00fbff"))).toBe("APv/");
  });
});
