import { createHash } from "node:crypto";
import { concat, utf8 } from "./bytes.ts";
import type { EncryptedObject } from "./encrypted-object.ts";

type DekSourceFields = Omit<EncryptedObject, "encryptedData">;

/**
 * Names a KMS v2 DEK source: two values have the same id exactly when kube-apiserver decrypts both after one Decrypt. SHA-256, in hex
 * (spec encryption-at-rest 2.6). The object must be a valid one.
 */
export function dekSourceId(object: DekSourceFields): string {
  return createHash("sha256").update(dekSourceBytes(object)).digest("hex");
}

/** What {@link dekSourceId} is the hash of. */
export function dekSourceBytes({ encryptedDekSourceType, encryptedDekSource, keyId, annotations }: DekSourceFields): Uint8Array {
  const head = [uint32(encryptedDekSourceType), withLength(encryptedDekSource), withLength(utf8(keyId))];
  if (annotations.size === 0) return concat(...head);
  // Valid keys are ASCII, so that JavaScript's order of strings is Go's.
  const sorted = [...annotations].sort(([a], [b]) => (a < b ? -1 : 1));
  return concat(...head, uint32(annotations.size), ...sorted.flatMap(([key, value]) => [withLength(utf8(key)), withLength(value)]));
}

/** The key under which kube-apiserver's KMS v1 cache keeps a DEK: the EDEK in base64 (spec encryption-at-rest 1.3). */
export function kmsV1CacheKey(edek: Uint8Array): string {
  return Buffer.from(edek.buffer, edek.byteOffset, edek.byteLength).toString("base64");
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function withLength(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length >> 8, bytes.length), bytes);
}
