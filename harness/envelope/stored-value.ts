import { concat, fromUtf8, plainView, startsWith, utf8 } from "./bytes.ts";
import { decodeEncryptedObject, type EncryptedObject, encodeEncryptedObject } from "./encrypted-object.ts";
import { validateEncryptedObject } from "./encrypted-object-rules.ts";
import { EnvelopeError, fault } from "./envelope-error.ts";
import { encryptedPrefix } from "./identity.ts";
import type { KmsV1Envelope } from "./kms-v1.ts";

/** An etcd value by the provider that wrote it (spec encryption-at-rest 0.1). */
export type StoredValue =
  | ({
      readonly kind: "kms-v1";
      /** The provider's name in the EncryptionConfiguration; not empty. */
      readonly providerName: string;
    } & KmsV1Envelope)
  | { readonly kind: "kms-v2"; readonly providerName: string; readonly object: EncryptedObject }
  | {
      readonly kind: "aescbc" | "aesgcm" | "secretbox";
      /** The key's name in the EncryptionConfiguration; not empty. */
      readonly keyName: string;
      readonly body: Uint8Array;
    }
  | { readonly kind: "identity"; readonly plaintext: Uint8Array };

export type StoredKind = StoredValue["kind"];
type EncryptedKind = Exclude<StoredKind, "identity">;

const kindPrefixes: Readonly<Record<StoredKind, string>> = {
  identity: "",
  "kms-v1": "k8s:enc:kms:v1:",
  "kms-v2": "k8s:enc:kms:v2:",
  aescbc: "k8s:enc:aescbc:v1:",
  aesgcm: "k8s:enc:aesgcm:v1:",
  secretbox: "k8s:enc:secretbox:v1:",
};
const encryptedKinds = ["kms-v1", "kms-v2", "aescbc", "aesgcm", "secretbox"] as const satisfies readonly EncryptedKind[];
const prefixBytes = encryptedKinds.map((kind) => ({ kind, prefix: utf8(kindPrefixes[kind]) }));
const colon = 0x3a;
const edekMaxBytes = 0xffff;

/** What the values of every provider of a kind begin with, a name and a colon follow; the identity provider's begin with nothing. */
export function kindPrefix(kind: StoredKind): string {
  return kindPrefixes[kind];
}

/** What the values of this provider, or of this key of it, begin with; the identity provider's begin with nothing. */
export function storedPrefix(kind: StoredKind, name: string): string {
  return kind === "identity" ? "" : `${kindPrefixes[kind]}${name}:`;
}

/** A stored value up to the name of what wrote it; nobody has looked at the body yet. */
export type SplitStoredValue =
  | {
      readonly kind: EncryptedKind;
      /** The provider's or the key's; not empty. */
      readonly name: string;
      readonly body: Uint8Array;
    }
  | { readonly kind: "identity"; readonly body: Uint8Array };

/**
 * Takes the prefix off a stored value. The body is a view of the bytes given, the names are as {@link parseStoredValue} takes them.
 * Throws {@link EnvelopeError} `no-matching-prefix`.
 */
export function splitStoredValue(bytes: Uint8Array, names: readonly string[] = []): SplitStoredValue {
  const value = plainView(bytes);
  if (!startsWith(value, encryptedPrefix)) return { kind: "identity", body: value };
  const found = prefixBytes.find(({ prefix }) => startsWith(value, prefix));
  if (found === undefined) throw fault("no-matching-prefix");
  return { kind: found.kind, ...splitName(value.subarray(found.prefix.length), names) };
}

/**
 * Takes a stored value apart. The bytes of the result are views of those given.
 *
 * A name ends at the first colon. One that holds a colon, which kube-apiserver allows for keys and for KMS v1, is found only if it is among
 * `names`: those of the configuration, the first that matches wins.
 *
 * Throws {@link EnvelopeError}: `no-matching-prefix` for `k8s:enc:` with anything unknown behind it, `edek-prefix` (KMS v1),
 * `protobuf-malformed`, `utf8-invalid` and the faults of {@link validateEncryptedObject} (KMS v2).
 */
export function parseStoredValue(bytes: Uint8Array, names: readonly string[] = []): StoredValue {
  const split = splitStoredValue(bytes, names);
  switch (split.kind) {
    case "identity":
      return { kind: split.kind, plaintext: split.body };
    case "kms-v1":
      return { kind: split.kind, providerName: split.name, ...parseKmsV1Body(split.body) };
    case "kms-v2": {
      const object = decodeEncryptedObject(split.body);
      validateEncryptedObject(object);
      return { kind: split.kind, providerName: split.name, object };
    }
    default:
      return { kind: split.kind, keyName: split.name, body: split.body };
  }
}

/**
 * Puts a stored value together, as {@link parseStoredValue} takes it apart. Throws {@link EnvelopeError}: `edek-too-long` (KMS v1, more than
 * 65535 bytes) and the faults of {@link validateEncryptedObject} (KMS v2).
 */
export function buildStoredValue(value: StoredValue): Uint8Array {
  switch (value.kind) {
    case "identity":
      return concat(value.plaintext);
    case "kms-v1":
      return concat(utf8(storedPrefix(value.kind, value.providerName)), edekPrefix(value.edek), value.edek, value.payload);
    case "kms-v2":
      validateEncryptedObject(value.object);
      return concat(utf8(storedPrefix(value.kind, value.providerName)), encodeEncryptedObject(value.object));
    default:
      return concat(utf8(storedPrefix(value.kind, value.keyName)), value.body);
  }
}

function splitName(rest: Uint8Array, names: readonly string[]): { name: string; body: Uint8Array } {
  for (const name of names) {
    const prefix = utf8(`${name}:`);
    if (startsWith(rest, prefix)) return { name, body: rest.subarray(prefix.length) };
  }
  const end = rest.indexOf(colon);
  // No configuration has an empty name, or one that is not UTF-8, so that no provider would match.
  if (end < 1) throw fault("no-matching-prefix");
  try {
    return { name: fromUtf8(rest.subarray(0, end)), body: rest.subarray(end + 1) };
  } catch {
    throw fault("no-matching-prefix");
  }
}

/** The body of a KMS v1 value: u16 BE length, EDEK, payload. Throws {@link EnvelopeError} `edek-prefix`. */
export function parseKmsV1Body(body: Uint8Array): KmsV1Envelope {
  const [high, low] = body;
  if (high === undefined || low === undefined) throw fault("edek-prefix");
  const end = 2 + high * 256 + low;
  if (end > body.length) throw fault("edek-prefix");
  return { edek: body.subarray(2, end), payload: body.subarray(end) };
}

function edekPrefix({ length }: Uint8Array): Uint8Array {
  if (length > edekMaxBytes) {
    throw new EnvelopeError("edek-too-long", `The encrypted DEK has ${length} bytes; KMS v1 can store ${edekMaxBytes}.`);
  }
  return Uint8Array.of(length >> 8, length & 0xff);
}
