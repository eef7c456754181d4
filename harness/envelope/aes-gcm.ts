import { createCipheriv, createDecipheriv } from "node:crypto";
import { aesBits } from "./aes-key.ts";
import { concat } from "./bytes.ts";
import { fault } from "./envelope-error.ts";
import { draw, type Opened, type Sealing } from "./sealing.ts";

const nonceBytes = 12;
const tagBytes = 16;

/** What AES-GCM adds to the plaintext: nonce and tag. */
export const aesGcmOverhead = nonceBytes + tagBytes;

/**
 * AES-GCM as aesgcm, KMS v1 and KMS v2 type 0 store it: nonce(12) ‖ ciphertext ‖ tag(16), bound to the AAD (spec encryption-at-rest 3).
 * Draws 12 random bytes. The key has 16, 24 or 32 bytes, else {@link EnvelopeError} `key-size`.
 */
export function sealAesGcm(key: Uint8Array, { plaintext, aad, random }: Sealing): Uint8Array {
  const bits = aesBits(key);
  const nonce = draw(random, nonceBytes);
  const cipher = createCipheriv(`aes-${bits}-gcm`, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return concat(nonce, ciphertext, cipher.getAuthTag());
}

/** Opens what {@link sealAesGcm} made. Throws {@link EnvelopeError} `key-size`, `body-too-short` or `not-authentic`. */
export function openAesGcm(key: Uint8Array, body: Uint8Array, aad: Uint8Array): Opened {
  const bits = aesBits(key);
  if (body.length < nonceBytes) throw fault("body-too-short");
  if (body.length < aesGcmOverhead) throw fault("not-authentic");
  const tagAt = body.length - tagBytes;
  const decipher = createDecipheriv(`aes-${bits}-gcm`, key, body.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(body.subarray(tagAt));
  const plaintext = decipher.update(body.subarray(nonceBytes, tagAt));
  try {
    decipher.final();
  } catch {
    throw fault("not-authentic");
  }
  return { plaintext: concat(plaintext) };
}
