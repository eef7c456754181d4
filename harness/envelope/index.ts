/**
 * The stored bytes of Kubernetes encryption at rest, both ways: bytes ⇄ structure ⇄ plaintext. Pure: no I/O, and randomness is handed in.
 * Every function that reads throws {@link EnvelopeError} and nothing else, whatever the bytes.
 */
export { openAesCbc, sealAesCbc } from "./aes-cbc.ts";
export { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
export { dekSourceId, kmsV1CacheKey } from "./cache-key.ts";
export { decodeEncryptedObject, dekSourceTypes, type EncryptedObject, encodeEncryptedObject } from "./encrypted-object.ts";
export {
  annotationsMaxBytes,
  edekMaxBytes,
  keyIdMaxBytes,
  validateAnnotations,
  validateDekSourceType,
  validateEdek,
  validateEncryptedObject,
  validateKeyId,
} from "./encrypted-object-rules.ts";
export { EnvelopeError } from "./envelope-error.ts";
export { openIdentity } from "./identity.ts";
export { type KmsV1Envelope, openKmsV1, sealKmsV1 } from "./kms-v1.ts";
export { type KmsV2DekSource, openKmsV2, sealKmsV2 } from "./kms-v2.ts";
export { decodeObjectName, decodeSecret, encodeSecret, type StoredSecret } from "./kubernetes-object.ts";
export { type OnceOnlyPart, onceOnlyPart } from "./once-only.ts";
export type { Opened } from "./sealing.ts";
export { openSecretbox, sealSecretbox } from "./secretbox.ts";
export { type StoredShape, storedLength, storedShape } from "./stored-length.ts";
export {
  buildStoredValue,
  kindPrefix,
  parseKmsV1Body,
  parseStoredValue,
  type SplitStoredValue,
  type StoredKind,
  type StoredValue,
  splitStoredValue,
  storedPrefix,
} from "./stored-value.ts";
