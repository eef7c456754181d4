import { openAesCbc } from "./aes-cbc.ts";
import { openAesGcm, sealAesGcm } from "./aes-gcm.ts";
import { EnvelopeError } from "./envelope-error.ts";
import type { Opened, Sealing } from "./sealing.ts";

/** The body of a KMS v1 value (spec encryption-at-rest 1.2). */
export interface KmsV1Envelope {
  /** The plugin's ciphertext of the DEK, at most 65535 bytes. */
  readonly edek: Uint8Array;
  /** nonce(12) ‖ ciphertext ‖ tag(16), or before Kubernetes 1.25 iv(16) ‖ CBC blocks. */
  readonly payload: Uint8Array;
}

/**
 * Seals with a DEK (32 random bytes, fresh for every write) as kube-apiserver ≥ 1.25 does, which is AES-256-GCM.
 * Draws 12 random bytes. Throws {@link EnvelopeError} `key-size`.
 */
export function sealKmsV1({ dek, edek }: { readonly dek: Uint8Array; readonly edek: Uint8Array }, sealing: Sealing): KmsV1Envelope {
  return { edek, payload: sealAesGcm(dek, sealing) };
}

/**
 * Opens a payload with its DEK: as GCM and, failing that, as the CBC of Kubernetes ≤ 1.24, which is then `legacy`. Because of that second
 * attempt a GCM payload that was tampered with is, about once in 250 and for a suitable length only, taken for CBC and gives garbage
 * (spec encryption-at-rest 1.2, fallback hazard). Throws {@link EnvelopeError} `key-size`, or `kms-v1-unreadable` with both reasons.
 */
export function openKmsV1(dek: Uint8Array, payload: Uint8Array, aad: Uint8Array): Opened {
  try {
    return openAesGcm(dek, payload, aad);
  } catch (gcm) {
    if (!(gcm instanceof EnvelopeError) || gcm.code === "key-size") throw gcm;
    try {
      return { ...openAesCbc(dek, payload), legacy: true };
    } catch (cbc) {
      if (!(cbc instanceof EnvelopeError)) throw cbc;
      // An aggregate of Go says the same thing only once.
      throw new EnvelopeError("kms-v1-unreadable", gcm.message === cbc.message ? gcm.message : `[${gcm.message}, ${cbc.message}]`);
    }
  }
}
