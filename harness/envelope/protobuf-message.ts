import { BinaryReader, type BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { fromUtf8, plainView, utf8 } from "./bytes.ts";
import { fault } from "./envelope-error.ts";

/** What to do with a field, by wire type and number. */
interface FieldHandlers {
  readonly bytes?: Readonly<Record<number, (value: Uint8Array) => void>>;
  readonly varint?: Readonly<Record<number, (value: bigint) => void>>;
}

const fieldNumberMax = 2n ** 29n - 1n;

/**
 * Hands the fields of a protobuf message to the handlers, in the order of the bytes; the values are views of them. Unknown fields, and known
 * ones of another wire type, are skipped. Throws {@link EnvelopeError} `protobuf-malformed`, or what a handler throws.
 */
export function readMessage(bytes: Uint8Array, handlers: FieldHandlers): void {
  const view = plainView(bytes);
  const reader = new BinaryReader(view);
  while (reader.pos < view.length) {
    // As 64 bits: BinaryReader's 32-bit reads drop the upper bits, which Go refuses.
    const tag = readVarint(reader, view);
    const number = tag >> 3n;
    const wireType = Number(tag & 7n);
    if (number === 0n || number > fieldNumberMax) throw fault("protobuf-malformed");
    if (wireType === WireType.LengthDelimited) {
      const length = readVarint(reader, view);
      const end = BigInt(reader.pos) + length;
      if (end > view.length) throw fault("protobuf-malformed");
      const value = view.subarray(reader.pos, Number(end));
      reader.pos = Number(end);
      handlers.bytes?.[Number(number)]?.(value);
    } else if (wireType === WireType.Varint) {
      const value = readVarint(reader, view);
      handlers.varint?.[Number(number)]?.(value);
    } else {
      orMalformed(() => reader.skip(wireType, Number(number)));
    }
  }
}

/** One entry of a map<string, bytes>; a missing key or value is empty, and a repeated key replaces the former. */
export function readMapEntry(bytes: Uint8Array, into: Map<string, Uint8Array>): void {
  let key = "";
  let value: Uint8Array = new Uint8Array(0);
  readMessage(bytes, {
    bytes: {
      1: (read) => {
        key = fromUtf8(read);
      },
      2: (read) => {
        value = read;
      },
    },
  });
  into.set(key, value);
}

/** Written even when it is empty. */
export function writeBytesField(writer: BinaryWriter, number: number, value: Uint8Array): void {
  writer.tag(number, WireType.LengthDelimited).bytes(value);
}

/** One entry of a map; key and value are written even when they are empty, as Go does. */
export function writeMapField(writer: BinaryWriter, number: number, key: string, value: Uint8Array): void {
  writer.tag(number, WireType.LengthDelimited).fork();
  writeBytesField(writer, 1, utf8(key));
  writeBytesField(writer, 2, value);
  writer.join();
}

function readVarint(reader: BinaryReader, view: Uint8Array): bigint {
  const start = reader.pos;
  const value = BigInt(orMalformed(() => reader.uint64()));
  // BinaryReader drops what the tenth byte holds beyond bit 63, which Go refuses.
  if (reader.pos - start === 10 && (view[reader.pos - 1] ?? 0) > 1) throw fault("protobuf-malformed");
  return value;
}

function orMalformed<Value>(read: () => Value): Value {
  try {
    return read();
  } catch {
    throw fault("protobuf-malformed");
  }
}
