import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { z } from "zod";
import { concat, fromUtf8, startsWith, utf8 } from "./bytes.ts";
import { fault } from "./envelope-error.ts";
import { readMapEntry, readMessage, writeBytesField, writeMapField } from "./protobuf-message.ts";

export interface SecretMetadata {
  readonly name: string;
  readonly generateName?: string;
  readonly namespace: string;
  readonly uid: string;
  /** RFC 3339 in whole seconds of UTC, `2026-01-31T12:00:00Z`. */
  readonly creationTimestamp?: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

/** A core/v1 Secret as it is before encryption, which is without a resourceVersion; other fields of it are not kept. */
export interface StoredSecret {
  readonly metadata: SecretMetadata;
  readonly type: string;
  /** The values themselves, not in base64. */
  readonly data: ReadonlyMap<string, Uint8Array>;
  readonly immutable?: boolean;
}

/** What begins a protobuf plaintext; the protobuf of a runtime.Unknown follows (spec encryption-at-rest 0.2). */
const protobufMagic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);
const openingBrace = 0x7b;
const none = new Uint8Array(0);

/**
 * The plaintext that kube-apiserver would encrypt, byte for byte: the order of Go's generated code, with its empty strings, and maps sorted
 * (generated.proto of k8s.io/api/core/v1, apimachinery's meta/v1 and runtime).
 */
export function encodeSecret(secret: StoredSecret): Uint8Array {
  const object = new BinaryWriter();
  writeBytesField(object, 1, encodeMetadata(secret.metadata));
  for (const [key, value] of sorted(secret.data)) writeMapField(object, 2, key, value);
  writeBytesField(object, 3, utf8(secret.type));
  if (secret.immutable !== undefined) object.tag(5, WireType.Varint).bool(secret.immutable);

  const typeMeta = new BinaryWriter();
  writeBytesField(typeMeta, 1, utf8("v1"));
  writeBytesField(typeMeta, 2, utf8("Secret"));

  const unknown = new BinaryWriter();
  writeBytesField(unknown, 1, typeMeta.finish());
  writeBytesField(unknown, 2, object.finish());
  writeBytesField(unknown, 3, none); // contentEncoding
  writeBytesField(unknown, 4, none); // contentType
  return concat(protobufMagic, unknown.finish());
}

/**
 * Reads a Secret from a plaintext in protobuf or JSON. What {@link StoredSecret} has no place for is skipped. Throws {@link EnvelopeError}
 * `object-unknown`, `not-a-secret`, `protobuf-malformed` or `utf8-invalid`.
 */
export function decodeSecret(plaintext: Uint8Array): StoredSecret {
  if (startsWith(plaintext, protobufMagic)) return decodeProtobuf(plaintext.subarray(protobufMagic.length));
  if (plaintext[0] === openingBrace) return decodeJson(plaintext);
  throw fault("object-unknown");
}

/** Who an object says it is. */
export interface ObjectName {
  readonly name: string;
  /** Empty for what lies in no namespace. */
  readonly namespace: string;
}

/**
 * Reads of any Kubernetes object what it is called; the rest of it is not looked at. Throws {@link EnvelopeError} `object-unknown`,
 * `protobuf-malformed` or `utf8-invalid`.
 */
export function decodeObjectName(plaintext: Uint8Array): ObjectName {
  if (startsWith(plaintext, protobufMagic)) {
    const { name, namespace } = decodeMetadata(lastBytesOf(lastBytesOf(plaintext.subarray(protobufMagic.length), 2), 1));
    return { name, namespace };
  }
  if (plaintext[0] !== openingBrace) throw fault("object-unknown");
  const parsed = jsonObject.safeParse(parseJson(fromUtf8(plaintext)));
  if (!parsed.success) throw fault("object-unknown");
  return parsed.data.metadata;
}

/** A field of a message that is itself one, or bytes; empty where it is not there. */
function lastBytesOf(message: Uint8Array, field: number): Uint8Array {
  let found: Uint8Array = none;
  readMessage(message, {
    bytes: {
      [field]: (value: Uint8Array) => {
        found = value;
      },
    },
  });
  return found;
}

function encodeMetadata(metadata: SecretMetadata): Uint8Array {
  const writer = new BinaryWriter();
  writeBytesField(writer, 1, utf8(metadata.name));
  writeBytesField(writer, 2, utf8(metadata.generateName ?? ""));
  writeBytesField(writer, 3, utf8(metadata.namespace));
  writeBytesField(writer, 4, none); // selfLink
  writeBytesField(writer, 5, utf8(metadata.uid));
  writeBytesField(writer, 6, none); // resourceVersion
  writer.tag(7, WireType.Varint).int64(0); // generation
  writeBytesField(writer, 8, metadata.creationTimestamp === undefined ? none : encodeTime(metadata.creationTimestamp));
  for (const [key, value] of sorted(metadata.labels)) writeMapField(writer, 11, key, utf8(value));
  for (const [key, value] of sorted(metadata.annotations)) writeMapField(writer, 12, key, utf8(value));
  return writer.finish();
}

function encodeTime(rfc3339: string): Uint8Array {
  const seconds = Math.floor(Date.parse(rfc3339) / 1000);
  return new BinaryWriter().tag(1, WireType.Varint).int64(seconds).tag(2, WireType.Varint).int32(0).finish();
}

function decodeProtobuf(bytes: Uint8Array): StoredSecret {
  let [apiVersion, kind] = ["", ""];
  let raw: Uint8Array = none;
  readMessage(bytes, {
    bytes: {
      1: (typeMeta) =>
        readMessage(typeMeta, {
          bytes: {
            1: (value) => {
              apiVersion = fromUtf8(value);
            },
            2: (value) => {
              kind = fromUtf8(value);
            },
          },
        }),
      2: (value) => {
        raw = value;
      },
    },
  });
  if (apiVersion !== "v1" || kind !== "Secret") throw fault("not-a-secret");

  let metadata = decodeMetadata(none);
  let type = "";
  let immutable: boolean | undefined;
  const data = new Map<string, Uint8Array>();
  readMessage(raw, {
    bytes: {
      1: (value) => {
        metadata = decodeMetadata(value);
      },
      2: (value) => readMapEntry(value, data),
      3: (value) => {
        type = fromUtf8(value);
      },
    },
    varint: {
      5: (value) => {
        immutable = value !== 0n;
      },
    },
  });
  return { metadata, type, data, ...(immutable === undefined ? {} : { immutable }) };
}

function decodeMetadata(bytes: Uint8Array): SecretMetadata {
  const texts = { name: "", generateName: "", namespace: "", uid: "" };
  let creationTimestamp: string | undefined;
  const labels = new Map<string, Uint8Array>();
  const annotations = new Map<string, Uint8Array>();
  const into = (field: keyof typeof texts) => (value: Uint8Array) => {
    texts[field] = fromUtf8(value);
  };
  readMessage(bytes, {
    bytes: {
      1: into("name"),
      2: into("generateName"),
      3: into("namespace"),
      5: into("uid"),
      8: (value) => {
        creationTimestamp = decodeTime(value);
      },
      11: (value) => readMapEntry(value, labels),
      12: (value) => readMapEntry(value, annotations),
    },
  });
  return metadataOf({ ...texts, creationTimestamp, labels: textValues(labels), annotations: textValues(annotations) });
}

/** Undefined for Go's zero time, which has no bytes. */
function decodeTime(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined;
  let seconds = 0n;
  readMessage(bytes, {
    varint: {
      1: (value) => {
        seconds = BigInt.asIntN(64, value);
      },
    },
  });
  return rfc3339Seconds(Number(seconds) * 1000);
}

/** Throws {@link EnvelopeError} `object-unknown` outside the years 1 to 9999, which meta/v1.Time allows. */
function rfc3339Seconds(wallMs: number): string {
  if (!(wallMs >= -62_135_596_800_000 && wallMs < 253_402_300_800_000)) throw fault("object-unknown");
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A JSON object as a Map: zod's record would drop a key named `__proto__`, which is a valid key of a Secret. */
function mapOf<Value>(value: z.ZodType<Value>) {
  return z.preprocess(
    (json) => (typeof json === "object" && json !== null && !Array.isArray(json) ? Object.entries(json) : json),
    z
      .array(z.tuple([z.string(), value]))
      .nullish()
      .transform((entries) => new Map<string, Value>(entries)),
  );
}

const jsonSecret = z.object({
  metadata: z.object({
    name: z.string().default(""),
    generateName: z.string().default(""),
    namespace: z.string().default(""),
    uid: z.string().default(""),
    creationTimestamp: z.iso.datetime({ offset: true }).nullish(),
    labels: mapOf(z.string()),
    annotations: mapOf(z.string()),
  }),
  type: z.string().default(""),
  data: mapOf(z.base64().transform((text) => concat(Buffer.from(text, "base64")))),
  immutable: z.boolean().nullish(),
});
const jsonObject = z.object({ metadata: z.object({ name: z.string().default(""), namespace: z.string().default("") }) });
const jsonTypeMeta = z.object({ apiVersion: z.literal("v1"), kind: z.literal("Secret") });

function decodeJson(bytes: Uint8Array): StoredSecret {
  const json = parseJson(fromUtf8(bytes));
  if (!jsonTypeMeta.safeParse(json).success) throw fault("not-a-secret");
  const parsed = jsonSecret.safeParse(json);
  if (!parsed.success) throw fault("object-unknown");
  const { metadata, type, data, immutable } = parsed.data;
  const { creationTimestamp } = metadata;
  return {
    metadata: metadataOf({
      ...metadata,
      creationTimestamp: creationTimestamp == null ? undefined : rfc3339Seconds(Date.parse(creationTimestamp)),
    }),
    type,
    data,
    ...(immutable == null ? {} : { immutable }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw fault("object-unknown");
  }
}

/** The metadata without what is not set. */
function metadataOf(read: {
  name: string;
  generateName: string;
  namespace: string;
  uid: string;
  creationTimestamp: string | undefined;
  labels: ReadonlyMap<string, string>;
  annotations: ReadonlyMap<string, string>;
}): SecretMetadata {
  const { name, generateName, namespace, uid, creationTimestamp, labels, annotations } = read;
  return {
    name,
    ...(generateName === "" ? {} : { generateName }),
    namespace,
    uid,
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    labels,
    annotations,
  };
}

function textValues(map: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, string> {
  return new Map([...map].map(([key, value]) => [key, fromUtf8(value)]));
}

/** By key; the keys that Kubernetes allows are ASCII, so that JavaScript's order of strings is Go's. */
function sorted<Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
