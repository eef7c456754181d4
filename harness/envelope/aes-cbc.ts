import { createCipheriv, createDecipheriv } from "node:crypto";
import { aesBits } from "./aes-key.ts";
import { concat } from "./bytes.ts";
import { fault } from "./envelope-error.ts";
import { draw, type Opened, type Sealing } from "./sealing.ts";

const blockBytes = 16;

/**
 * AES-CBC with PKCS#7 padding: iv(16) ‖ blocks (spec encryption-at-rest 3). It authenticates nothing, the etcd key neither.
 * Draws 16 random bytes. The key has 16, 24 or 32 bytes, else {@link EnvelopeError} `key-size`.
 */
export function sealAesCbc(key: Uint8Array, { plaintext, random }: Omit<Sealing, "aad">): Uint8Array {
  const bits = aesBits(key);
  const iv = draw(random, blockBytes);
  const cipher = createCipheriv(`aes-${bits}-cbc`, key, iv);
  return concat(iv, cipher.update(plaintext), cipher.final());
}

/**
 * Opens what {@link sealAesCbc} made. Throws {@link EnvelopeError} `key-size`, `body-too-short`, `block-size`, `padding-absent` or
 * `padding-wrong`; most changes to the bytes are not noticed.
 */
export function openAesCbc(key: Uint8Array, body: Uint8Array): Opened {
  const bits = aesBits(key);
  if (body.length < blockBytes) throw fault("body-too-short");
  if (body.length % blockBytes !== 0) throw fault("block-size");
  // The padding is checked here, by kube-apiserver's looser rule: it may be longer than one block.
  const decipher = createDecipheriv(`aes-${bits}-cbc`, key, body.subarray(0, blockBytes)).setAutoPadding(false);
  const padded = concat(decipher.update(body.subarray(blockBytes)), decipher.final());
  const padding = padded.at(-1) ?? 0;
  if (padding === 0 || padding > padded.length) throw fault("padding-absent");
  const plaintextBytes = padded.length - padding;
  if (padded.subarray(plaintextBytes).some((byte) => byte !== padding)) throw fault("padding-wrong");
  return { plaintext: padded.subarray(0, plaintextBytes) };
}
