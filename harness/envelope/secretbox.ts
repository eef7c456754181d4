import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { concat } from "./bytes.ts";
import { EnvelopeError, fault } from "./envelope-error.ts";
import { draw, type Opened, type Sealing } from "./sealing.ts";

const keyBytes = 32;
const nonceBytes = 24;
const tagBytes = 16;

/** What secretbox adds to the plaintext: nonce and tag. */
export const secretboxOverhead = nonceBytes + tagBytes;

/**
 * NaCl's XSalsa20-Poly1305: nonce(24) ‖ tag(16) ‖ ciphertext (spec encryption-at-rest 3). It is not bound to the etcd key.
 * Draws 24 random bytes. The key has 32 bytes, else {@link EnvelopeError} `key-size`.
 */
export function sealSecretbox(key: Uint8Array, { plaintext, random }: Omit<Sealing, "aad">): Uint8Array {
  checkKey(key);
  const nonce = draw(random, nonceBytes);
  return concat(nonce, xsalsa20poly1305(key, nonce).encrypt(plaintext));
}

/** Opens what {@link sealSecretbox} made. Throws {@link EnvelopeError} `key-size`, `body-too-short` or `secretbox-not-authentic`. */
export function openSecretbox(key: Uint8Array, body: Uint8Array): Opened {
  checkKey(key);
  if (body.length < secretboxOverhead) throw fault("body-too-short");
  const box = xsalsa20poly1305(key, body.subarray(0, nonceBytes));
  try {
    return { plaintext: box.decrypt(body.subarray(nonceBytes)) };
  } catch {
    throw fault("secretbox-not-authentic");
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length !== keyBytes) throw new EnvelopeError("key-size", `A secretbox key has ${keyBytes} bytes, this one has ${key.length}.`);
}
