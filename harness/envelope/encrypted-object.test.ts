import { describe, expect, it } from "vitest";
import { concat, utf8 } from "./bytes.ts";
import { decodeEncryptedObject, type EncryptedObject, encodeEncryptedObject } from "./encrypted-object.ts";
import { fromHex } from "./vectors.ts";

const object: EncryptedObject = {
  encryptedData: utf8("data"),
  keyId: "k",
  encryptedDekSource: utf8("edek"),
  annotations: new Map([["a.b", utf8("v")]]),
  encryptedDekSourceType: 1,
};
const empty: EncryptedObject = {
  encryptedData: new Uint8Array(0),
  keyId: "",
  encryptedDekSource: new Uint8Array(0),
  annotations: new Map(),
  encryptedDekSourceType: 0,
};
const fields = {
  data: fromHex("0a0464617461"),
  keyId: fromHex("12016b"),
  edek: fromHex("1a046564656b"),
  annotation: fromHex("22080a03612e62120176"),
  type: fromHex("2801"),
};

describe("encodeEncryptedObject", () => {
  it("writes the fields in their order", () => {
    expect(encodeEncryptedObject(object)).toEqual(concat(fields.data, fields.keyId, fields.edek, fields.annotation, fields.type));
  });

  it("leaves out what is empty or zero", () => {
    expect(encodeEncryptedObject(empty)).toEqual(new Uint8Array(0));
  });

  it("writes an annotation's empty value", () => {
    expect(encodeEncryptedObject({ ...empty, annotations: new Map([["a.b", new Uint8Array(0)]]) })).toEqual(fromHex("22070a03612e621200"));
  });

  it("refuses a key_id that has no UTF-8", () => {
    expect(() => encodeEncryptedObject({ ...object, keyId: "\ud800" })).toThrow(expect.objectContaining({ code: "utf8-invalid" }));
  });
});

describe("decodeEncryptedObject", () => {
  it("reads the fields in any order", () => {
    const reversed = concat(fields.type, fields.annotation, fields.edek, fields.keyId, fields.data);
    expect(decodeEncryptedObject(reversed)).toEqual(object);
  });

  it("takes the last of a repeated field", () => {
    const first = encodeEncryptedObject({ ...object, keyId: "first", annotations: new Map([["a.b", utf8("first")]]) });
    expect(decodeEncryptedObject(concat(first, encodeEncryptedObject(object)))).toEqual(object);
  });

  it("skips unknown fields and known ones of another wire type", () => {
    const unknown = fromHex("3001" + "3a0178" + "410000000000000000" + "4d00000000" + "53080154" + "0800" + "2a0101");
    expect(decodeEncryptedObject(concat(unknown, encodeEncryptedObject(object), unknown))).toEqual(object);
  });

  it("reads no bytes as an empty object", () => {
    expect(decodeEncryptedObject(new Uint8Array(0))).toEqual(empty);
  });

  // What google.golang.org/protobuf makes of the same bytes was found out by running it.
  it.each([
    ["28ffffffffffffffffff01", { encryptedDekSourceType: -1 }],
    ["2801280028838080808001", { encryptedDekSourceType: 3 }],
    ["0b0c", {}],
    ["22020801", { annotations: new Map([["", new Uint8Array(0)]]) }],
    ["faffffff0f00", {}],
    ["8a80808080000141", { encryptedData: utf8("A") }],
  ])("accepts %s, as Go does", (hex, read) => {
    expect(decodeEncryptedObject(fromHex(hex))).toEqual({ ...empty, ...read });
  });

  it.each([
    "00",
    "0a",
    "0a01",
    "08ff",
    "ffffffffff01",
    "8080808010",
    "28ffffffffffffffffff7f",
    "288080808080808080808001",
    "0affffffff1f",
    "0a8180808010ff",
    "0b",
    "0c",
    "0b1314",
    "faffffff1f00",
    "80808080808000",
    "0f",
  ])("refuses %s, as Go does", (hex) => {
    expect(() => decodeEncryptedObject(fromHex(hex))).toThrow(
      expect.objectContaining({ code: "protobuf-malformed", message: "proto: cannot parse invalid wire-format data" }),
    );
  });

  it("refuses nested groups that would exhaust the stack", () => {
    expect(() => decodeEncryptedObject(new Uint8Array(1_000_000).fill(0x0b))).toThrow(
      expect.objectContaining({ code: "protobuf-malformed" }),
    );
  });

  it.each(["1201ff", "22050a03ff6162"])("refuses text that is not UTF-8 in %s, as Go does", (hex) => {
    expect(() => decodeEncryptedObject(fromHex(hex))).toThrow(
      expect.objectContaining({ code: "utf8-invalid", message: "string field contains invalid UTF-8" }),
    );
  });
});
