import { aesGcmOverhead } from "./aes-gcm.ts";
import { type DekSourceType, dekSourceTypes } from "./encrypted-object.ts";
import { secretboxOverhead } from "./secretbox.ts";
import { storedPrefix } from "./stored-value.ts";

/** What decides the length of a stored value besides its plaintext; all lengths are of bytes. */
export type StoredShape =
  | {
      readonly kind: "kms-v1";
      readonly nameLength: number;
      readonly edekLength: number;
      /** The CBC form of Kubernetes ≤ 1.24. */
      readonly legacy?: true;
    }
  | {
      readonly kind: "kms-v2";
      readonly nameLength: number;
      readonly keyIdLength: number;
      readonly edekLength: number;
      /** The lengths of each annotation's key and value. */
      readonly annotationLengths: readonly (readonly [key: number, value: number])[];
      readonly type: DekSourceType;
    }
  | { readonly kind: "aescbc" | "aesgcm" | "secretbox"; readonly nameLength: number }
  | { readonly kind: "identity" };

const hkdfInfoBytes = 32;
const blockBytes = 16;

/** The bytes that a plaintext of that many bytes takes in etcd (the formulae of spec encryption-at-rest 1.2, 2.4 and 3). */
export function storedLength(shape: StoredShape, plaintextLength: number): number {
  if (shape.kind === "identity") return plaintextLength;
  const prefix = storedPrefix(shape.kind, "").length + shape.nameLength;
  switch (shape.kind) {
    case "aescbc":
      return prefix + cbcLength(plaintextLength);
    case "aesgcm":
      return prefix + plaintextLength + aesGcmOverhead;
    case "secretbox":
      return prefix + plaintextLength + secretboxOverhead;
    case "kms-v1":
      return prefix + 2 + shape.edekLength + (shape.legacy ? cbcLength(plaintextLength) : plaintextLength + aesGcmOverhead);
    case "kms-v2": {
      const hkdf = shape.type === dekSourceTypes.hkdfSha256XnonceAesGcmSeed;
      const fields = [plaintextLength + aesGcmOverhead + (hkdf ? hkdfInfoBytes : 0), shape.keyIdLength, shape.edekLength];
      const annotations = shape.annotationLengths.map(([key, value]) => fieldLength(key) + fieldLength(value));
      return prefix + [...fields, ...annotations].reduce((sum, length) => sum + fieldLength(length), hkdf ? 2 : 0);
    }
  }
}

function cbcLength(plaintextLength: number): number {
  return blockBytes + plaintextLength + blockBytes - (plaintextLength % blockBytes);
}

/** A protobuf field with a number below 16: tag, length and value. */
function fieldLength(length: number): number {
  let varintLength = 1;
  for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) varintLength++;
  return 1 + varintLength + length;
}
