import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type DecryptRequest,
  type DecryptResponse,
  type EncryptRequest,
  type EncryptResponse,
  methodPaths,
  type StatusResponse,
  type VersionResponse,
} from "./contract.ts";

/** `v2.StatusRequest`: it has no fields. */
export type StatusRequest = Readonly<Record<never, never>>;

/** `v1beta1.VersionRequest`. */
export interface VersionRequest {
  /** Always `v1beta1`. */
  readonly version: string;
}

/** `v1beta1.EncryptRequest`. */
export interface EncryptRequestV1 {
  /** Always `v1beta1`. */
  readonly version: string;
  readonly plain: Uint8Array;
}

/** `v1beta1.EncryptResponse`. */
export interface EncryptResponseV1 {
  readonly cipher: Uint8Array;
}

/** `v1beta1.DecryptRequest`. */
export interface DecryptRequestV1 {
  /** Always `v1beta1`. */
  readonly version: string;
  readonly cipher: Uint8Array;
}

/** `v1beta1.DecryptResponse`. */
export interface DecryptResponseV1 {
  readonly plain: Uint8Array;
}

/** One message as bytes and back. */
interface Codec<Message> {
  encode(message: Message): Uint8Array<ArrayBuffer>;
  /** Throws on bytes that are no protobuf message and on a string that is not UTF-8, as Go does. */
  decode(bytes: Uint8Array): Message;
}

/**
 * A unary method as grpc-js wants it, for client, server and proxy alike. The two `…Deserialize` throw on what is no protobuf message;
 * the bytes fields that they return are views of the bytes given.
 */
export interface KmsMethod<Request, Response> {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  requestSerialize(request: Request): Buffer;
  requestDeserialize(bytes: Uint8Array): Request;
  responseSerialize(response: Response): Buffer;
  responseDeserialize(bytes: Uint8Array): Response;
}

const statusRequest: Codec<StatusRequest> = {
  encode: () => write(() => {}),
  decode(bytes) {
    read(bytes, {});
    return {};
  },
};

const statusResponse: Codec<StatusResponse> = {
  encode: ({ version, healthz, keyId }) =>
    write((writer) => {
      writeString(writer, 1, version);
      writeString(writer, 2, healthz);
      writeString(writer, 3, keyId);
    }),
  decode(bytes) {
    let [version, healthz, keyId] = ["", "", ""];
    read(bytes, {
      1: (reader) => (version = reader.string(true)),
      2: (reader) => (healthz = reader.string(true)),
      3: (reader) => (keyId = reader.string(true)),
    });
    return { version, healthz, keyId };
  },
};

const encryptRequest: Codec<EncryptRequest> = {
  encode: ({ plaintext, uid }) =>
    write((writer) => {
      writeBytes(writer, 1, plaintext);
      writeString(writer, 2, uid);
    }),
  decode(bytes) {
    let plaintext = none;
    let uid = "";
    read(bytes, {
      1: (reader) => (plaintext = reader.bytes()),
      2: (reader) => (uid = reader.string(true)),
    });
    return { plaintext, uid };
  },
};

const encryptResponse: Codec<EncryptResponse> = {
  encode: ({ ciphertext, keyId, annotations }) =>
    write((writer) => {
      writeBytes(writer, 1, ciphertext);
      writeString(writer, 2, keyId);
      writeMap(writer, 3, annotations);
    }),
  decode(bytes) {
    let ciphertext = none;
    let keyId = "";
    const annotations = new Map<string, Uint8Array>();
    read(bytes, {
      1: (reader) => (ciphertext = reader.bytes()),
      2: (reader) => (keyId = reader.string(true)),
      3: (reader) => readMapEntry(reader, annotations),
    });
    return { ciphertext, keyId, annotations };
  },
};

const decryptRequest: Codec<DecryptRequest> = {
  encode: ({ ciphertext, uid, keyId, annotations }) =>
    write((writer) => {
      writeBytes(writer, 1, ciphertext);
      writeString(writer, 2, uid);
      writeString(writer, 3, keyId);
      writeMap(writer, 4, annotations);
    }),
  decode(bytes) {
    let ciphertext = none;
    let [uid, keyId] = ["", ""];
    const annotations = new Map<string, Uint8Array>();
    read(bytes, {
      1: (reader) => (ciphertext = reader.bytes()),
      2: (reader) => (uid = reader.string(true)),
      3: (reader) => (keyId = reader.string(true)),
      4: (reader) => readMapEntry(reader, annotations),
    });
    return { ciphertext, uid, keyId, annotations };
  },
};

const decryptResponse: Codec<DecryptResponse> = {
  encode: ({ plaintext }) => write((writer) => writeBytes(writer, 1, plaintext)),
  decode(bytes) {
    let plaintext = none;
    read(bytes, { 1: (reader) => (plaintext = reader.bytes()) });
    return { plaintext };
  },
};

const versionRequest: Codec<VersionRequest> = {
  encode: ({ version }) => write((writer) => writeString(writer, 1, version)),
  decode(bytes) {
    let version = "";
    read(bytes, { 1: (reader) => (version = reader.string(true)) });
    return { version };
  },
};

const versionResponse: Codec<VersionResponse> = {
  encode: ({ version, runtimeName, runtimeVersion }) =>
    write((writer) => {
      writeString(writer, 1, version);
      writeString(writer, 2, runtimeName);
      writeString(writer, 3, runtimeVersion);
    }),
  decode(bytes) {
    let [version, runtimeName, runtimeVersion] = ["", "", ""];
    read(bytes, {
      1: (reader) => (version = reader.string(true)),
      2: (reader) => (runtimeName = reader.string(true)),
      3: (reader) => (runtimeVersion = reader.string(true)),
    });
    return { version, runtimeName, runtimeVersion };
  },
};

const encryptRequestV1: Codec<EncryptRequestV1> = {
  encode: ({ version, plain }) =>
    write((writer) => {
      writeString(writer, 1, version);
      writeBytes(writer, 2, plain);
    }),
  decode(bytes) {
    let version = "";
    let plain = none;
    read(bytes, {
      1: (reader) => (version = reader.string(true)),
      2: (reader) => (plain = reader.bytes()),
    });
    return { version, plain };
  },
};

const encryptResponseV1: Codec<EncryptResponseV1> = {
  encode: ({ cipher }) => write((writer) => writeBytes(writer, 1, cipher)),
  decode(bytes) {
    let cipher = none;
    read(bytes, { 1: (reader) => (cipher = reader.bytes()) });
    return { cipher };
  },
};

const decryptRequestV1: Codec<DecryptRequestV1> = {
  encode: ({ version, cipher }) =>
    write((writer) => {
      writeString(writer, 1, version);
      writeBytes(writer, 2, cipher);
    }),
  decode(bytes) {
    let version = "";
    let cipher = none;
    read(bytes, {
      1: (reader) => (version = reader.string(true)),
      2: (reader) => (cipher = reader.bytes()),
    });
    return { version, cipher };
  },
};

const decryptResponseV1: Codec<DecryptResponseV1> = {
  encode: ({ plain }) => write((writer) => writeBytes(writer, 1, plain)),
  decode(bytes) {
    let plain = none;
    read(bytes, { 1: (reader) => (plain = reader.bytes()) });
    return { plain };
  },
};

/** `v1beta1.KeyManagementService`; a grpc-js service definition (spec encryption-at-rest 1.1). */
export const kmsV1Service = {
  Version: method(methodPaths.v1.Version, versionRequest, versionResponse),
  Encrypt: method(methodPaths.v1.Encrypt, encryptRequestV1, encryptResponseV1),
  Decrypt: method(methodPaths.v1.Decrypt, decryptRequestV1, decryptResponseV1),
} as const;

/** `v2.KeyManagementService`; a grpc-js service definition (spec encryption-at-rest 2.1). */
export const kmsV2Service = {
  Status: method(methodPaths.v2.Status, statusRequest, statusResponse),
  Encrypt: method(methodPaths.v2.Encrypt, encryptRequest, encryptResponse),
  Decrypt: method(methodPaths.v2.Decrypt, decryptRequest, decryptResponse),
} as const;

const none: Uint8Array = new Uint8Array(0);

function method<Request, Response>(path: string, request: Codec<Request>, response: Codec<Response>): KmsMethod<Request, Response> {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => asBuffer(request.encode(message)),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => asBuffer(response.encode(message)),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** One for all: what a fresh one takes costs more than a short message. No message is written while another is. */
const writer = new BinaryWriter();

function write(fields: (writer: BinaryWriter) => void): Uint8Array<ArrayBuffer> {
  try {
    fields(writer);
  } catch (thrown) {
    writer.finish();
    throw thrown;
  }
  return writer.finish();
}

/** proto3 leaves out what has its default value. */
function writeString(writer: BinaryWriter, fieldNumber: number, value: string): void {
  if (value !== "") writer.tag(fieldNumber, WireType.LengthDelimited).string(value);
}

function writeBytes(writer: BinaryWriter, fieldNumber: number, value: Uint8Array): void {
  if (value.length > 0) writer.tag(fieldNumber, WireType.LengthDelimited).bytes(value);
}

/** A map is a repeated message of key (1) and value (2); both are always written, defaults too, as Go does. */
function writeMap(writer: BinaryWriter, fieldNumber: number, map: ReadonlyMap<string, Uint8Array>): void {
  for (const [key, value] of map) {
    writer.tag(fieldNumber, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).bytes(value);
    writer.join();
  }
}

function readMapEntry(reader: BinaryReader, map: Map<string, Uint8Array>): void {
  let key = "";
  let value = none;
  read(reader.bytes(), {
    1: (entry) => (key = entry.string(true)),
    2: (entry) => (value = entry.bytes()),
  });
  map.set(key, value);
}

/**
 * Reads a message all of whose fields are strings, bytes or messages. The last of a repeated field wins; unknown numbers, and known
 * numbers with another wire type, are skipped.
 */
function read(bytes: Uint8Array, fields: Readonly<Record<number, (reader: BinaryReader) => void>>): void {
  // Not the Buffer that grpc-js hands over: what is read out of it should be plain Uint8Arrays.
  const reader = new BinaryReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    const field = fields[fieldNumber];
    if (field !== undefined && wireType === WireType.LengthDelimited) field(reader);
    else reader.skip(wireType, fieldNumber);
  }
}
