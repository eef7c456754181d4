import { EnvelopeError } from "./envelope-error.ts";

/** Which AES a key is for. Throws {@link EnvelopeError} `key-size`, in the words of Go's crypto/aes. */
export function aesBits(key: Uint8Array): 128 | 192 | 256 {
  switch (key.length) {
    case 16:
      return 128;
    case 24:
      return 192;
    case 32:
      return 256;
    default:
      throw new EnvelopeError("key-size", `crypto/aes: invalid key size ${key.length}`);
  }
}
