import { dekSourceId } from "./cache-key.ts";
import { dekSourceTypes } from "./encrypted-object.ts";
import type { StoredValue } from "./stored-value.ts";

/** A part of a stored value that no other value may have. */
export interface OnceOnlyPart {
  readonly what: "IV" | "nonce" | "info" | "encrypted DEK";
  readonly bytes: Uint8Array;
  /** Among which values: those of one key, or of one DEK source. */
  readonly scope: string;
}

/**
 * What is drawn anew for every write (spec encryption-at-rest 8: LP-01 to LP-03, K1-02, K2-04). Of KMS v1 it is the DEK, and with it the
 * plugin's ciphertext. Undefined where nothing is drawn, or the body is too short to hold it.
 */
export function onceOnlyPart(value: StoredValue): OnceOnlyPart | undefined {
  switch (value.kind) {
    case "identity":
      return undefined;
    case "aescbc":
      return headOf(value.body, 16, { what: "IV", scope: value.keyName });
    case "aesgcm":
      return headOf(value.body, 12, { what: "nonce", scope: value.keyName });
    case "secretbox":
      return headOf(value.body, 24, { what: "nonce", scope: value.keyName });
    case "kms-v1":
      return value.edek.length === 0 ? undefined : { what: "encrypted DEK", bytes: value.edek, scope: value.providerName };
    case "kms-v2": {
      const { encryptedDekSourceType, encryptedData } = value.object;
      const scope = dekSourceId(value.object);
      return encryptedDekSourceType === dekSourceTypes.aesGcmKey
        ? headOf(encryptedData, 12, { what: "nonce", scope })
        : headOf(encryptedData, 32, { what: "info", scope });
    }
  }
}

function headOf(body: Uint8Array, length: number, part: Omit<OnceOnlyPart, "bytes">): OnceOnlyPart | undefined {
  return body.length < length ? undefined : { ...part, bytes: body.subarray(0, length) };
}
