import type { StoredSecret } from "../../harness/envelope/index.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";

/** A shorter value may stand in random bytes by chance. */
const plaintextBytesMin = 12;

/** Whether a decrypted Secret is the one that was written, as far as its writer said. */
export function isSecretOf({ metadata, type, data }: StoredSecret, spec: Omit<SecretSpec, "labels">): boolean {
  return (
    metadata.namespace === spec.namespace &&
    metadata.name === spec.name &&
    type === spec.type &&
    data.size === spec.data.size &&
    [...spec.data].every(([name, bytes]) => {
      const found = data.get(name);
      return found !== undefined && Buffer.compare(found, bytes) === 0;
    })
  );
}

/** Those of the values that are long enough to be looked for. */
export function longValues(values: Iterable<Uint8Array>): Uint8Array[] {
  return [...values].filter(({ length }) => length >= plaintextBytesMin);
}

/** Whether one of the values stands in plain text in the bytes. Values of less than 12 bytes are not looked for. */
export function showsPlaintext(stored: Uint8Array, values: Iterable<Uint8Array>): boolean {
  const haystack = bufferOf(stored);
  return longValues(values).some((bytes) => haystack.includes(bufferOf(bytes)));
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
