import { describe, expect, it } from "vitest";
import { utf8 } from "./bytes.ts";
import type { EncryptedObject } from "./encrypted-object.ts";
import { validateAnnotations, validateEdek, validateEncryptedObject, validateKeyId } from "./encrypted-object-rules.ts";

const valid: EncryptedObject = {
  encryptedData: utf8("data"),
  keyId: "k",
  encryptedDekSource: utf8("edek"),
  annotations: new Map([["a.b", utf8("v")]]),
  encryptedDekSourceType: 1,
};
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const annotations = (...keys: string[]) => new Map(keys.map((key) => [key, new Uint8Array(0)]));

describe("validateEncryptedObject", () => {
  it("accepts a valid object of either type", () => {
    validateEncryptedObject(valid);
    validateEncryptedObject({ ...valid, encryptedDekSourceType: 0 });
  });

  it("tells the faults in kube-apiserver's order, each behind its context", () => {
    const faults: EncryptedObject = {
      encryptedData: utf8(""),
      keyId: "",
      encryptedDekSource: utf8(""),
      annotations: annotations("panda"),
      encryptedDekSourceType: 2,
    };
    const repairs: Partial<EncryptedObject>[] = [
      {},
      { encryptedDekSourceType: 1 },
      { encryptedData: utf8("data") },
      { encryptedDekSource: utf8("edek") },
      { keyId: "k" },
    ];
    let object = faults;
    const told = repairs.map((repair) => {
      object = { ...object, ...repair };
      try {
        validateEncryptedObject(object);
        return "nothing";
      } catch (thrown) {
        return thrown instanceof Error ? thrown.message : "";
      }
    });
    expect(told).toEqual([
      "unknown encryptedDEKSourceType: 2",
      "encrypted data is empty",
      "failed to validate encrypted DEK source: encrypted DEK source is empty",
      "failed to validate key id: keyID is empty",
      'failed to validate annotations: annotations: Invalid value: "panda": should be a domain with at least two segments separated by dots',
    ]);
  });

  it("names a negative type", () => {
    expect(() => validateEncryptedObject({ ...valid, encryptedDekSourceType: -1 })).toThrow(
      expect.objectContaining({ code: "dek-source-type", message: "unknown encryptedDEKSourceType: -1" }),
    );
  });
});

describe("validateKeyId", () => {
  it("counts bytes, 1024 of which are allowed", () => {
    validateKeyId("é".repeat(512));
    expect(() => validateKeyId(`${"é".repeat(512)}x`)).toThrow(
      expect.objectContaining({ code: "key-id-too-long", message: "keyID is 1025 bytes, which exceeds the max size of 1024" }),
    );
  });
});

describe("validateEdek", () => {
  it("allows 1024 bytes", () => {
    validateEdek(new Uint8Array(1024));
    expect(() => validateEdek(new Uint8Array(1025))).toThrow(
      expect.objectContaining({ code: "edek-too-long", message: "encrypted DEK source is 1025 bytes, which exceeds the max size of 1024" }),
    );
  });
});

describe("validateAnnotations", () => {
  it.each(["a.b", "a.b.", "x-1.example.com", `${"a".repeat(63)}.com`, `${"a.".repeat(126)}a`])("accepts %s", (key) => {
    validateAnnotations(annotations(key));
  });

  // The texts are those of the Go function for the same keys.
  it.each([
    ["", "Required value"],
    ["panda", 'Invalid value: "panda": should be a domain with at least two segments separated by dots'],
    ["panda.", 'Invalid value: "panda": should be a domain with at least two segments separated by dots'],
    ["Panda.example.com", `Invalid value: "Panda.example.com": ${subdomainText}`],
    ["a..b", `Invalid value: "a..b": ${subdomainText}`],
    ["ä.com", `Invalid value: "ä.com": ${subdomainText}`],
    [".", `Invalid value: "": ${subdomainText}`],
    ["a.b\n", `Invalid value: "a.b\\n": ${subdomainText}`],
    [`${"a".repeat(64)}.com`, `Invalid value: "${"a".repeat(64)}": must be no more than 63 characters`],
    [`${"a.".repeat(127)}a`, `Invalid value: "${"a.".repeat(127)}a": must be no more than 253 characters`],
    ["A".repeat(300), `Invalid value: "${"A".repeat(300)}": must be no more than 253 characters,${subdomainText}`],
  ])("refuses %j", (key, text) => {
    expect(() => validateAnnotations(annotations(key))).toThrow(
      expect.objectContaining({ code: "annotations", message: `annotations: ${text}` }),
    );
  });

  it("allows 32768 bytes of keys and values together", () => {
    validateAnnotations(
      new Map([
        ["a.b", new Uint8Array(32762)],
        ["c.d", new Uint8Array(0)],
      ]),
    );
    expect(() => validateAnnotations(new Map([["a.b", new Uint8Array(32766)]]))).toThrow(
      expect.objectContaining({ message: "total size of annotations is 32769, which exceeds the max size of 32768" }),
    );
  });

  it("tells all faults, and the same one once", () => {
    expect(() => validateAnnotations(annotations("panda", "panda.", ""))).toThrow(
      expect.objectContaining({
        message:
          '[annotations: Invalid value: "panda": should be a domain with at least two segments separated by dots, annotations: Required value]',
      }),
    );
  });
});
