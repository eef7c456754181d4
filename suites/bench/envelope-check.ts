import {
  decodeSecret,
  dekSourceId,
  dekSourceTypes,
  type StoredValue as Envelope,
  EnvelopeError,
  openAesCbc,
  openAesGcm,
  openKmsV1,
  openKmsV2,
  openSecretbox,
  parseStoredValue,
  type StoredSecret,
  type StoredShape,
  storedLength,
} from "../../harness/envelope/index.ts";
import { KmsCallError, type KmsV1, type KmsV2 } from "../../harness/kms/contract.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import type { EnvelopeCheck } from "../../harness/run/schema.ts";
import type { LocalKey } from "../../harness/target/encryption-configuration.ts";
import type { StoredValue } from "../../harness/target/target.ts";

/** How the check gets at keys: from the plugin itself, by its own socket, or from the configuration. */
export type KeySource =
  | { readonly provider: "identity" }
  | { readonly provider: "aescbc" | "aesgcm" | "secretbox"; readonly key: LocalKey }
  | { readonly provider: "kms-v1"; readonly kms: KmsV1; readonly name: string | undefined }
  | { readonly provider: "kms-v2"; readonly kms: KmsV2; readonly name: string | undefined; readonly newUid: () => string };

/** At most this many faults are kept. */
const wrongMax = 20;
/** A shorter value may stand in random bytes by chance. */
const plaintextBytesMin = 12;

/**
 * Holds every stored Secret against what was written: its form and length, a nonce of its own, and the plaintext that an independent
 * decryption gives, with the etcd key as the authenticated data. The values of an encrypted one must stand nowhere in the stored bytes.
 *
 * @param stored - every value under the API server's prefix for Secrets.
 * @param written - what was written, by etcd key.
 */
export async function checkEnvelopes(
  stored: AsyncIterable<StoredValue>,
  written: ReadonlyMap<string, () => SecretSpec>,
  keys: KeySource,
  signal: AbortSignal,
): Promise<EnvelopeCheck> {
  const opener = new EnvelopeOpener(keys, signal);
  const wrong: { key: string; reason: string }[] = [];
  const missing = new Set(written.keys());
  let right = 0;
  let plaintextBytes = 0;
  let storedBytes = 0;
  for await (const { key, value } of stored) {
    const spec = written.get(key);
    if (spec === undefined) continue;
    missing.delete(key);
    storedBytes += value.length;
    try {
      plaintextBytes += await opener.check(key, value, spec());
      right++;
    } catch (thrown) {
      if (!(thrown instanceof EnvelopeError || thrown instanceof WrongEnvelope || thrown instanceof KmsCallError)) throw thrown;
      wrong.push({ key, reason: thrown.message });
    }
  }
  for (const key of missing) wrong.push({ key, reason: "It is not in the store." });
  return { total: written.size, right, wrong: wrong.slice(0, wrongMax), plaintextBytes, storedBytes };
}

/** What is wrong with a stored value, as a sentence without anything of its content. */
class WrongEnvelope extends Error {}

class EnvelopeOpener {
  #keys: KeySource;
  #signal: AbortSignal;
  /** Decrypted DEK sources of KMS v2, by their identity. */
  #seeds = new Map<string, Uint8Array>();
  /** Everything that must not occur twice: nonces, infos, KMS v1's encrypted DEKs. */
  #onceOnly = new Set<string>();

  constructor(keys: KeySource, signal: AbortSignal) {
    this.#keys = keys;
    this.#signal = signal;
  }

  /** Resolves to the length of the plaintext, or rejects with why the value is wrong. */
  async check(key: string, value: Uint8Array, spec: SecretSpec): Promise<number> {
    const envelope = parseStoredValue(value);
    if (envelope.kind !== this.#keys.provider)
      throw new WrongEnvelope(`It was written by ${envelope.kind}, not by ${this.#keys.provider}.`);
    const plaintext = await this.#open(envelope, Buffer.from(key));
    compare(decodeSecret(plaintext), spec);
    const length = storedLength(shapeOf(envelope), plaintext.length);
    if (value.length !== length) throw new WrongEnvelope(`It is ${value.length} bytes long; its format makes ${length} of this plaintext.`);
    if (envelope.kind !== "identity") {
      for (const unique of uniquePartsOf(envelope)) this.#expectOnce(unique);
      expectHidden(value, spec);
    }
    return plaintext.length;
  }

  async #open(envelope: Envelope, aad: Uint8Array): Promise<Uint8Array> {
    const keys = this.#keys;
    switch (envelope.kind) {
      case "identity":
        return envelope.plaintext;
      case "kms-v2": {
        if (keys.provider !== "kms-v2") break;
        expectName(envelope.providerName, keys.name);
        return openKmsV2(await this.#seedOf(envelope, keys), envelope.object, aad).plaintext;
      }
      case "kms-v1": {
        if (keys.provider !== "kms-v1") break;
        expectName(envelope.providerName, keys.name);
        const opened = openKmsV1(await keys.kms.decrypt(envelope.edek, { signal: this.#signal }), envelope.payload, aad);
        if (opened.legacy) throw new WrongEnvelope("It is in the form that Kubernetes wrote before 1.25.");
        return opened.plaintext;
      }
      default: {
        if (keys.provider !== envelope.kind) break;
        expectName(envelope.keyName, keys.key.name);
        if (envelope.kind === "aescbc") return openAesCbc(keys.key.secret, envelope.body).plaintext;
        if (envelope.kind === "aesgcm") return openAesGcm(keys.key.secret, envelope.body, aad).plaintext;
        return openSecretbox(keys.key.secret, envelope.body).plaintext;
      }
    }
    throw new WrongEnvelope(`There is no key for ${envelope.kind}.`);
  }

  async #seedOf({ object }: Extract<Envelope, { kind: "kms-v2" }>, keys: Extract<KeySource, { provider: "kms-v2" }>): Promise<Uint8Array> {
    const id = dekSourceId(object);
    const known = this.#seeds.get(id);
    if (known !== undefined) return known;
    const { encryptedDekSource: ciphertext, keyId, annotations } = object;
    const { plaintext } = await keys.kms.decrypt({ ciphertext, keyId, annotations, uid: keys.newUid() }, { signal: this.#signal });
    this.#seeds.set(id, plaintext);
    return plaintext;
  }

  #expectOnce({ what, bytes }: UniquePart): void {
    const id = `${what} ${Buffer.from(bytes).toString("base64")}`;
    if (this.#onceOnly.has(id)) throw new WrongEnvelope(`Its ${what} occurs in another value too.`);
    this.#onceOnly.add(id);
  }
}

interface UniquePart {
  readonly what: "nonce" | "info" | "encrypted DEK";
  readonly bytes: Uint8Array;
}

/** The parts that no two values may share (spec encryption-at-rest 8: LP-02, K1-02, K2-04). */
function uniquePartsOf(envelope: Exclude<Envelope, { kind: "identity" }>): UniquePart[] {
  switch (envelope.kind) {
    case "kms-v1":
      return [{ what: "encrypted DEK", bytes: envelope.edek }];
    case "kms-v2":
      return [{ what: "info", bytes: envelope.object.encryptedData.subarray(0, 32) }];
    case "aescbc":
      return [{ what: "nonce", bytes: envelope.body.subarray(0, 16) }];
    case "aesgcm":
      return [{ what: "nonce", bytes: envelope.body.subarray(0, 12) }];
    case "secretbox":
      return [{ what: "nonce", bytes: envelope.body.subarray(0, 24) }];
  }
}

function shapeOf(envelope: Envelope): StoredShape {
  switch (envelope.kind) {
    case "identity":
      return { kind: "identity" };
    case "kms-v1":
      return { kind: "kms-v1", nameLength: Buffer.byteLength(envelope.providerName), edekLength: envelope.edek.length };
    case "kms-v2":
      return {
        kind: "kms-v2",
        nameLength: Buffer.byteLength(envelope.providerName),
        keyIdLength: Buffer.byteLength(envelope.object.keyId),
        edekLength: envelope.object.encryptedDekSource.length,
        annotationLengths: [...envelope.object.annotations].map(([name, bytes]) => [Buffer.byteLength(name), bytes.length] as const),
        type:
          envelope.object.encryptedDekSourceType === dekSourceTypes.aesGcmKey
            ? dekSourceTypes.aesGcmKey
            : dekSourceTypes.hkdfSha256XnonceAesGcmSeed,
      };
    default:
      return { kind: envelope.kind, nameLength: Buffer.byteLength(envelope.keyName) };
  }
}

/** @param configured - undefined where somebody else configured the API server, and any name is right. */
function expectName(found: string, configured: string | undefined): void {
  if (configured !== undefined && found !== configured)
    throw new WrongEnvelope("It names another provider or key than the configuration does.");
}

function compare({ metadata, type, data }: StoredSecret, spec: SecretSpec): void {
  const isSame =
    metadata.namespace === spec.namespace &&
    metadata.name === spec.name &&
    type === spec.type &&
    data.size === spec.data.size &&
    [...spec.data].every(([name, bytes]) => {
      const found = data.get(name);
      return found !== undefined && Buffer.compare(found, bytes) === 0;
    });
  if (!isSame) throw new WrongEnvelope("It decrypts to something else than what was written.");
}

function expectHidden(value: Uint8Array, spec: SecretSpec): void {
  const haystack = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  for (const bytes of spec.data.values()) {
    if (bytes.length >= plaintextBytesMin && haystack.includes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)))
      throw new WrongEnvelope("A value of the Secret stands in it in plain text.");
  }
}
