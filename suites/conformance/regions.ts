import { parseStoredValue } from "../../harness/envelope/index.ts";

export interface Region {
  /** `tag`. */
  readonly region: string;
  /** The place of a byte that lies in it. */
  readonly at: number;
}

const [nonceBytes, boxNonceBytes, infoBytes, tagBytes] = [12, 24, 32, 16];

/** A byte of each region of a stored value that its scheme authenticates (spec encryption-at-rest 1.2, 2.3, 3), none of which changes a length. */
export function regionsOf(stored: Uint8Array): Region[] {
  const value = parseStoredValue(stored);
  switch (value.kind) {
    case "aesgcm":
      return gcmRegions(startOf(stored, value.body), value.body.length);
    case "secretbox": {
      const start = startOf(stored, value.body);
      return [
        { region: "nonce", at: start },
        { region: "tag", at: start + boxNonceBytes },
        { region: "ciphertext", at: start + boxNonceBytes + tagBytes },
      ];
    }
    case "kms-v1":
      return [
        ...edekRegions(startOf(stored, value.edek), value.edek.length),
        ...gcmRegions(startOf(stored, value.payload), value.payload.length),
      ];
    case "kms-v2": {
      const { encryptedDekSource, encryptedData } = value.object;
      const start = startOf(stored, encryptedData);
      return [
        ...edekRegions(startOf(stored, encryptedDekSource), encryptedDekSource.length),
        { region: "info", at: start },
        ...gcmRegions(start + infoBytes, encryptedData.length - infoBytes),
      ];
    }
    case "aescbc":
    case "identity":
      return [];
  }
}

/** A copy with one bit of one byte changed. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The plugin authenticates its ciphertext: its last byte is as good as any. */
function edekRegions(start: number, length: number): Region[] {
  return [{ region: "encrypted DEK", at: start + length - 1 }];
}

function gcmRegions(start: number, length: number): Region[] {
  return [
    { region: "nonce", at: start },
    { region: "ciphertext", at: start + nonceBytes },
    { region: "tag", at: start + length - tagBytes },
  ];
}

/** Where a part of a stored value begins in it; a part is a view of the same memory. */
function startOf(stored: Uint8Array, part: Uint8Array): number {
  return part.byteOffset - stored.byteOffset;
}
