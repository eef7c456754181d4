import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealAesCbc } from "./aes-cbc.ts";
import { sealAesGcm } from "./aes-gcm.ts";
import type { EncryptedObject } from "./encrypted-object.ts";
import { sealKmsV1 } from "./kms-v1.ts";
import { sealKmsV2 } from "./kms-v2.ts";
import type { Sealing } from "./sealing.ts";
import { sealSecretbox } from "./secretbox.ts";
import { type StoredShape, storedLength, storedShape } from "./stored-length.ts";
import { buildStoredValue, parseStoredValue, type StoredValue } from "./stored-value.ts";
import { vectors } from "./vectors.ts";

const annotationLengths = [[27, 19]] as const;
const kmsV2 = (nameLength: number, keyIdLength: number, edekLength: number) => ({
  kind: "kms-v2" as const,
  nameLength,
  keyIdLength,
  edekLength,
  annotationLengths: [],
  type: 1 as const,
});

describe("the worked sizes of the specification", () => {
  it.each<[string, StoredShape, plaintextLength: number, stored: number]>([
    ["KMS v2 with an annotation", { ...kmsV2(8, 1, 44), annotationLengths }, 56, 245],
    ["KMS v2 type 0", { ...kmsV2(8, 1, 44), annotationLengths, type: 0 }, 56, 211],
    ["the frozen record of v1.28", { ...kmsV2(12, 1, 44), annotationLengths }, 405, 599],
    ["the frozen record of v1.27", { ...kmsV2(12, 1, 44), annotationLengths, type: 0 }, 366, 526],
    ["a UUID as key_id, shortest", kmsV2(8, 36, 60), 69, 69 + 189],
    ["a UUID as key_id, longest", kmsV2(8, 36, 60), 16323, 16323 + 189],
    ["a UUID as key_id, one byte less", kmsV2(8, 36, 60), 67, 67 + 188],
    ["a UUID as key_id, one byte more", kmsV2(8, 36, 60), 16324, 16324 + 190],
    ["an ARN as key_id", kmsV2(8, 75, 184), 1000, 1000 + 353],
    ["the largest key_id and EDEK", kmsV2(8, 1024, 1024), 1000, 1000 + 2143],
    ["KMS v1", { kind: "kms-v1", nameLength: 8, edekLength: 44 }, 56, 56 + 98],
    ["KMS v1 with a long EDEK", { kind: "kms-v1", nameLength: 8, edekLength: 184 }, 56, 56 + 238],
    ["KMS v1 of Kubernetes 1.24", { kind: "kms-v1", nameLength: 8, edekLength: 44, legacy: true }, 56, 150],
    ["aescbc", { kind: "aescbc", nameLength: 4 }, 56, 103],
    ["aescbc, the most", { kind: "aescbc", nameLength: 4 }, 64, 64 + 55],
    ["aescbc, the least", { kind: "aescbc", nameLength: 4 }, 63, 63 + 40],
    ["aesgcm", { kind: "aesgcm", nameLength: 4 }, 56, 107],
    ["secretbox", { kind: "secretbox", nameLength: 4 }, 56, 122],
    ["identity", { kind: "identity" }, 56, 56],
  ])("%s", (_, shape, plaintextLength, stored) => {
    expect(storedLength(shape, plaintextLength)).toBe(stored);
  });
});

describe("storedLength", () => {
  const zeros = (length: number) => new Uint8Array(length);
  const key = zeros(32);
  const sealing = (plaintextLength: number): Sealing => ({ plaintext: zeros(plaintextLength), aad: zeros(0), random: zeros });

  function built(shape: StoredShape, plaintextLength: number): StoredValue {
    const input = sealing(plaintextLength);
    if (shape.kind === "identity") return { kind: "identity", plaintext: input.plaintext };
    const name = "n".repeat(shape.nameLength);
    switch (shape.kind) {
      case "aescbc":
        return { kind: shape.kind, keyName: name, body: sealAesCbc(key, input) };
      case "aesgcm":
        return { kind: shape.kind, keyName: name, body: sealAesGcm(key, input) };
      case "secretbox":
        return { kind: shape.kind, keyName: name, body: sealSecretbox(key, input) };
      case "kms-v1": {
        const edek = zeros(shape.edekLength);
        if (shape.legacy) return { kind: shape.kind, providerName: name, edek, payload: sealAesCbc(key, input) };
        return { kind: shape.kind, providerName: name, ...sealKmsV1({ dek: key, edek }, input) };
      }
      case "kms-v2": {
        const object: EncryptedObject = sealKmsV2(
          {
            dek: key,
            keyId: "k".repeat(shape.keyIdLength),
            encryptedDekSource: zeros(shape.edekLength),
            annotations: new Map(
              shape.annotationLengths.map(([keyLength, valueLength]) => [`a.${"b".repeat(keyLength - 2)}`, zeros(valueLength)]),
            ),
            encryptedDekSourceType: shape.type,
          },
          input,
        );
        return { kind: shape.kind, providerName: name, object };
      }
    }
  }

  const nameLength = fc.integer({ min: 1, max: 40 });
  const shapes: fc.Arbitrary<StoredShape> = fc.oneof(
    fc.record({ kind: fc.constantFrom("aescbc" as const, "aesgcm" as const, "secretbox" as const), nameLength }),
    fc.record({ kind: fc.constant("kms-v1" as const), nameLength, edekLength: fc.nat(1000) }),
    fc.record({ kind: fc.constant("kms-v1" as const), nameLength, edekLength: fc.nat(1000), legacy: fc.constant(true as const) }),
    fc.record({
      kind: fc.constant("kms-v2" as const),
      nameLength,
      keyIdLength: fc.integer({ min: 1, max: 1024 }),
      edekLength: fc.integer({ min: 1, max: 1024 }),
      annotationLengths: fc.array(fc.tuple(fc.integer({ min: 3, max: 60 }), fc.nat(20_000)), { maxLength: 1 }),
      type: fc.constantFrom(0 as const, 1 as const),
    }),
    fc.record({ kind: fc.constant("identity" as const) }),
  );

  it("is the length of what is really built", () => {
    fc.assert(
      fc.property(shapes, fc.oneof(fc.nat(300), fc.nat(20_000)), (shape, plaintextLength) => {
        expect(buildStoredValue(built(shape, plaintextLength))).toHaveLength(storedLength(shape, plaintextLength));
      }),
    );
  });
});

describe("storedShape", () => {
  it.each(vectors.map((each) => [each.Name, each] as const))("gives the length of %s", (name, { Stored, Plain }) => {
    const shape = storedShape(parseStoredValue(Stored), { legacy: name === "kmsv1-cbc-legacy" });
    expect(storedLength(shape, Plain.length)).toBe(Stored.length);
  });

  it("counts bytes, not letters", () => {
    expect(storedShape({ kind: "aesgcm", keyName: "schlüssel", body: new Uint8Array(40) })).toEqual({ kind: "aesgcm", nameLength: 10 });
  });
});
