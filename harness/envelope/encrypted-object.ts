import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { fromUtf8, utf8 } from "./bytes.ts";
import { readMapEntry, readMessage, writeBytesField, writeMapField } from "./protobuf-message.ts";

/** How the data key comes about (spec encryption-at-rest 2.2). */
export const dekSourceTypes = { aesGcmKey: 0, hkdfSha256XnonceAesGcmSeed: 1 } as const;
export type DekSourceType = (typeof dekSourceTypes)[keyof typeof dekSourceTypes];

/** The protobuf message that is the body of a KMS v2 value (spec encryption-at-rest 2.2; api.proto of the kmsv2 package). */
export interface EncryptedObject {
  /** See `sealKmsV2`; not empty. */
  readonly encryptedData: Uint8Array;
  /** The KEK's name as the plugin gave it: 1 to 1024 bytes. */
  readonly keyId: string;
  /** The plugin's ciphertext of the DEK or seed, the EDEK: 1 to 1024 bytes. */
  readonly encryptedDekSource: Uint8Array;
  /** As the plugin gave them; the keys are domain names; at most 32768 bytes together. */
  readonly annotations: ReadonlyMap<string, Uint8Array>;
  /** A {@link DekSourceType}, or whatever else stood in bytes that were not validated. */
  readonly encryptedDekSourceType: number;
}

/** In field order, defaults left out, annotations in the map's order. It validates nothing; throws {@link EnvelopeError} `utf8-invalid` only. */
export function encodeEncryptedObject(object: EncryptedObject): Uint8Array {
  const writer = new BinaryWriter();
  if (object.encryptedData.length > 0) writeBytesField(writer, 1, object.encryptedData);
  if (object.keyId.length > 0) writeBytesField(writer, 2, utf8(object.keyId));
  if (object.encryptedDekSource.length > 0) writeBytesField(writer, 3, object.encryptedDekSource);
  for (const [key, value] of object.annotations) writeMapField(writer, 4, key, value);
  if (object.encryptedDekSourceType !== 0) writer.tag(5, WireType.Varint).int32(object.encryptedDekSourceType);
  return writer.finish();
}

/**
 * Reads the fields in any order; unknown ones are skipped and the last of a repeated one wins. It validates nothing; throws
 * {@link EnvelopeError} `protobuf-malformed` or `utf8-invalid`. The bytes of the result are views of those given.
 */
export function decodeEncryptedObject(bytes: Uint8Array): EncryptedObject {
  let encryptedData: Uint8Array = new Uint8Array(0);
  let keyId = "";
  let encryptedDekSource: Uint8Array = new Uint8Array(0);
  const annotations = new Map<string, Uint8Array>();
  let encryptedDekSourceType = 0;
  readMessage(bytes, {
    bytes: {
      1: (value) => {
        encryptedData = value;
      },
      2: (value) => {
        keyId = fromUtf8(value);
      },
      3: (value) => {
        encryptedDekSource = value;
      },
      4: (value) => readMapEntry(value, annotations),
    },
    varint: {
      5: (value) => {
        encryptedDekSourceType = Number(BigInt.asIntN(32, value));
      },
    },
  });
  return { encryptedData, keyId, encryptedDekSource, annotations, encryptedDekSourceType };
}
