import { describe, expect, it } from "vitest";
import { openAesCbc, sealAesCbc } from "./aes-cbc.ts";
import { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
import { concat } from "./bytes.ts";
import { openKmsV1, sealKmsV1 } from "./kms-v1.ts";
import { openKmsV2, sealKmsV2 } from "./kms-v2.ts";
import type { Opened } from "./sealing.ts";
import { openSecretbox, sealSecretbox } from "./secretbox.ts";
import { buildStoredValue, parseStoredValue, type StoredValue } from "./stored-value.ts";
import { replay, type Vector, vectors } from "./vectors.ts";

function open(value: StoredValue, key: Uint8Array, aad: Uint8Array): Opened {
  switch (value.kind) {
    case "aescbc":
      return openAesCbc(key, value.body);
    case "aesgcm":
      return openAesGcm(key, value.body, aad);
    case "secretbox":
      return openSecretbox(key, value.body);
    case "kms-v1":
      return openKmsV1(key, value.payload, aad);
    case "kms-v2":
      return openKmsV2(key, value.object, aad);
    case "identity":
      return { plaintext: value.plaintext };
  }
}

/** The value sealed again, with the randomness that stands in its own bytes. */
function sealAgain(value: StoredValue, { Key: key, AAD: aad, Plain: plaintext, Name }: Vector): StoredValue {
  switch (value.kind) {
    case "aescbc":
      return { ...value, body: sealAesCbc(key, { plaintext, random: replay(value.body) }) };
    case "aesgcm":
      return { ...value, body: sealAesGcm(key, { plaintext, aad, random: replay(value.body) }) };
    case "secretbox":
      return { ...value, body: sealSecretbox(key, { plaintext, random: replay(value.body) }) };
    case "kms-v1": {
      const sealing = { plaintext, aad, random: replay(value.payload) };
      if (Name === "kmsv1-cbc-legacy") return { ...value, payload: sealAesCbc(key, sealing) };
      return { ...value, ...sealKmsV1({ dek: key, edek: value.edek }, sealing) };
    }
    case "kms-v2":
      return { ...value, object: sealKmsV2({ ...value.object, dek: key }, { plaintext, aad, random: replay(value.object.encryptedData) }) };
    case "identity":
      return value;
  }
}

describe.each(vectors)("$Name", (vector) => {
  it("has the lengths that are stated", () => {
    expect([vector.Stored.length, vector.Plain.length]).toEqual([vector.StoredLen, vector.PlainLen]);
  });

  it("opens to the plaintext, and is legacy only as CBC of KMS v1", () => {
    const legacy = vector.Name === "kmsv1-cbc-legacy" ? { legacy: true } : {};
    expect(open(parseStoredValue(vector.Stored), vector.Key, vector.AAD)).toEqual({ plaintext: vector.Plain, ...legacy });
  });

  it("is built again from its parts", () => {
    expect(buildStoredValue(parseStoredValue(vector.Stored))).toEqual(vector.Stored);
  });

  it("is sealed again with the same randomness to the same bytes", () => {
    expect(buildStoredValue(sealAgain(parseStoredValue(vector.Stored), vector))).toEqual(vector.Stored);
  });

  it("does not open with a wrong key to the plaintext", () => {
    const wrong = concat(vector.Key);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    let opened: Opened | undefined;
    try {
      opened = open(parseStoredValue(vector.Stored), wrong, vector.AAD);
    } catch {}
    expect(opened?.plaintext).not.toEqual(vector.Plain);
  });
});
