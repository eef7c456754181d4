import { aesGcmOverhead } from "./aes-gcm.ts";
import { utf8 } from "./bytes.ts";
import { type DekSourceType, dekSourceTypes } from "./encrypted-object.ts";
import { secretboxOverhead } from "./secretbox.ts";
import { type StoredValue, storedPrefix } from "./stored-value.ts";

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

/** The shape of a value that is there; `legacy` is what opening a KMS v1 value told. */
export function storedShape(value: StoredValue, { legacy = false }: { readonly legacy?: boolean | undefined } = {}): StoredShape {
  switch (value.kind) {
    case "identity":
      return { kind: value.kind };
    case "kms-v1": {
      const shape = { kind: value.kind, nameLength: utf8(value.providerName).length, edekLength: value.edek.length };
      return legacy ? { ...shape, legacy } : shape;
    }
    case "kms-v2": {
      const { keyId, encryptedDekSource, annotations, encryptedDekSourceType } = value.object;
      return {
        kind: value.kind,
        nameLength: utf8(value.providerName).length,
        keyIdLength: utf8(keyId).length,
        edekLength: encryptedDekSource.length,
        annotationLengths: [...annotations].map(([name, bytes]) => [utf8(name).length, bytes.length] as const),
        type: encryptedDekSourceType === dekSourceTypes.aesGcmKey ? dekSourceTypes.aesGcmKey : dekSourceTypes.hkdfSha256XnonceAesGcmSeed,
      };
    }
    default:
      return { kind: value.kind, nameLength: utf8(value.keyName).length };
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
