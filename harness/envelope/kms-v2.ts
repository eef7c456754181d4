import { createHmac } from "node:crypto";
import { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
import { concat } from "./bytes.ts";
import { dekSourceTypes, type EncryptedObject } from "./encrypted-object.ts";
import { validateDekSourceType } from "./encrypted-object-rules.ts";
import { EnvelopeError, fault } from "./envelope-error.ts";
import { draw, type Opened, type Sealing } from "./sealing.ts";

const infoBytes = 32;
const seedMinBytes = 32;
const hkdfBlockNumber = Uint8Array.of(1);

/** What a KMS v2 provider writes with between two rotations: a DEK or seed, and what every value repeats of it (spec encryption-at-rest 2.5). */
export interface KmsV2DekSource extends Omit<EncryptedObject, "encryptedData"> {
  /** A seed of 32 bytes or more for type 1, an AES key for type 0. */
  readonly dek: Uint8Array;
}

/**
 * Type 1 (Kubernetes ≥ 1.29) draws info(32), derives a key for this write alone and stores info ‖ nonce(12) ‖ ciphertext ‖ tag(16); type 0
 * stores nonce ‖ ciphertext ‖ tag under the DEK itself, and draws the whole nonce where kube-apiserver ≤ 1.28 counted (spec
 * encryption-at-rest 2.3). Throws {@link EnvelopeError} `dek-source-type`, `seed-size` or `key-size`; the other limits of the format are
 * checked when the value is built.
 */
export function sealKmsV2({ dek, ...source }: KmsV2DekSource, sealing: Sealing): EncryptedObject {
  validateDekSourceType(source.encryptedDekSourceType);
  if (source.encryptedDekSourceType === dekSourceTypes.aesGcmKey) return { ...source, encryptedData: sealAesGcm(dek, sealing) };
  checkSeed(dek);
  const info = draw(sealing.random, infoBytes);
  return { ...source, encryptedData: concat(info, sealAesGcm(deriveKey(dek, info), sealing)) };
}

/**
 * Opens the object with its decrypted DEK or seed. Throws {@link EnvelopeError} `dek-source-type`, `seed-size`, `key-size`,
 * `body-too-short` or `not-authentic`.
 */
export function openKmsV2(dek: Uint8Array, { encryptedData, encryptedDekSourceType }: EncryptedObject, aad: Uint8Array): Opened {
  validateDekSourceType(encryptedDekSourceType);
  if (encryptedDekSourceType === dekSourceTypes.aesGcmKey) return openAesGcm(dek, encryptedData, aad);
  checkSeed(dek);
  if (encryptedData.length < infoBytes) throw fault("body-too-short");
  return openAesGcm(deriveKey(dek, encryptedData.subarray(0, infoBytes)), encryptedData.subarray(infoBytes), aad);
}

/** HKDF-Expand (RFC 5869) to 32 bytes, which is one HMAC; Extract, which node:crypto's hkdf does too, is left out by kube-apiserver. */
export function deriveKey(seed: Uint8Array, info: Uint8Array): Uint8Array {
  return concat(createHmac("sha256", seed).update(info).update(hkdfBlockNumber).digest());
}

function checkSeed(seed: Uint8Array): void {
  if (seed.length < seedMinBytes) throw new EnvelopeError("seed-size", `invalid seed length ${seed.length} used for key generation`);
}
