/**
 * The stored bytes of Kubernetes encryption at rest, both ways: bytes ⇄ structure ⇄ plaintext. Pure: no I/O, and randomness is handed in.
 * Every function that reads throws {@link EnvelopeError} and nothing else, whatever the bytes.
 */
export { openAesCbc, sealAesCbc } from "./aes-cbc.ts";
export { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
export { dekSourceId, kmsV1CacheKey } from "./cache-key.ts";
export {
  dekSourceTypes,
  type EncryptedObject,
} from "./encrypted-object.ts";
export { validateEncryptedObject } from "./encrypted-object-rules.ts";
export { EnvelopeError } from "./envelope-error.ts";
export { openIdentity } from "./identity.ts";
export { openKmsV1, sealKmsV1 } from "./kms-v1.ts";
export { type KmsV2DekSource, openKmsV2, sealKmsV2 } from "./kms-v2.ts";
export { decodeSecret, encodeSecret, type StoredSecret } from "./kubernetes-object.ts";
export { openSecretbox, sealSecretbox } from "./secretbox.ts";
export { type StoredShape, storedLength } from "./stored-length.ts";
export { buildStoredValue, parseStoredValue, type StoredValue } from "./stored-value.ts";
