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
 * What is drawn anew for every write (spec encryption-at-rest 8: LP-01 to LP-03, K1-02, K2-04); undefined where nothing is. Of KMS v1 it is
 * the DEK, and with it the plugin's ciphertext. A body that is too short has a part that is too short as well.
 */
export function onceOnlyPart(value: StoredValue): OnceOnlyPart | undefined {
  switch (value.kind) {
    case "identity":
      return undefined;
    case "aescbc":
      return { what: "IV", bytes: value.body.subarray(0, 16), scope: value.keyName };
    case "aesgcm":
      return { what: "nonce", bytes: value.body.subarray(0, 12), scope: value.keyName };
    case "secretbox":
      return { what: "nonce", bytes: value.body.subarray(0, 24), scope: value.keyName };
    case "kms-v1":
      return { what: "encrypted DEK", bytes: value.edek, scope: value.providerName };
    case "kms-v2": {
      const { encryptedDekSourceType, encryptedData } = value.object;
      return encryptedDekSourceType === dekSourceTypes.aesGcmKey
        ? { what: "nonce", bytes: encryptedData.subarray(0, 12), scope: dekSourceId(value.object) }
        : { what: "info", bytes: encryptedData.subarray(0, 32), scope: dekSourceId(value.object) };
    }
  }
}
