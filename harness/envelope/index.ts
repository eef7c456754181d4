/**
 * The stored bytes of Kubernetes encryption at rest, both ways: bytes ⇄ structure ⇄ plaintext. Pure: no I/O, and randomness is handed in.
 * Every function that reads throws {@link EnvelopeError} and nothing else, whatever the bytes.
 */
export { openAesCbc, sealAesCbc } from "./aes-cbc.ts";
export { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
export { dekSourceId, kmsV1CacheKey } from "./cache-key.ts";
export {
  type DekSourceType,
  decodeEncryptedObject,
  dekSourceTypes,
  type EncryptedObject,
  encodeEncryptedObject,
} from "./encrypted-object.ts";
export {
  annotationsMaxBytes,
  edekMaxBytes,
  keyIdMaxBytes,
  validateAnnotations,
  validateEdek,
  validateEncryptedObject,
  validateKeyId,
} from "./encrypted-object-rules.ts";
export { EnvelopeError, type EnvelopeErrorCode } from "./envelope-error.ts";
export { openIdentity, sealIdentity } from "./identity.ts";
export { type KmsV1Envelope, openKmsV1, sealKmsV1 } from "./kms-v1.ts";
export { deriveKey, type KmsV2DekSource, openKmsV2, sealKmsV2 } from "./kms-v2.ts";
export { decodeSecret, encodeSecret, type SecretMetadata, type StoredSecret } from "./kubernetes-object.ts";
export type { Opened, RandomBytes, Sealing } from "./sealing.ts";
export { openSecretbox, sealSecretbox } from "./secretbox.ts";
export { type StoredShape, storedLength } from "./stored-length.ts";
export { buildStoredValue, parseStoredValue, type StoredKind, type StoredValue, storedPrefix } from "./stored-value.ts";
