import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const cipher = "aes-256-gcm";
const versionIdCharacters = 36;
const ivBytes = 12;
const tagBytes = 16;

/**
 * A CiphertextBlob, before base64: the key version's id in ASCII, as real blobs begin (spec alibaba-cloud 0.5), then `iv(12) | ciphertext |
 * tag(16)`, which is our guess.
 */
export function seal(versionId: string, key: Uint8Array, plaintext: Uint8Array, authenticated: Uint8Array): Buffer {
  const iv = randomBytes(ivBytes);
  const gcm = createCipheriv(cipher, key, iv, { authTagLength: tagBytes }).setAAD(authenticated);
  return Buffer.concat([Buffer.from(versionId, "ascii"), iv, gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
}

/** The id of the key version that a blob names, or undefined where it is none of ours. */
export function versionIdOf(blob: Buffer): string | undefined {
  const id = blob.toString("latin1", 0, versionIdCharacters);
  return blob.length >= versionIdCharacters + ivBytes + tagBytes && /^[0-9a-f-]{36}$/.test(id) ? id : undefined;
}

/** Undefined where the blob was changed, or the key or the authenticated data are others. */
export function unseal(blob: Buffer, key: Uint8Array, authenticated: Uint8Array): Buffer | undefined {
  const iv = blob.subarray(versionIdCharacters, versionIdCharacters + ivBytes);
  const gcm = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes }).setAAD(authenticated);
  gcm.setAuthTag(blob.subarray(-tagBytes));
  try {
    return Buffer.concat([gcm.update(blob.subarray(versionIdCharacters + ivBytes, -tagBytes)), gcm.final()]);
  } catch {
    return undefined;
  }
}
