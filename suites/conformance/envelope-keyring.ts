import {
  dekSourceId,
  EnvelopeError,
  type Opened,
  openAesCbc,
  openAesGcm,
  openIdentity,
  openKmsV1,
  openKmsV2,
  openSecretbox,
  type StoredValue,
} from "../../harness/envelope/index.ts";
import { KmsCallError, type KmsV1, type KmsV2 } from "../../harness/kms/contract.ts";
import type { LocalKey } from "../../harness/target/encryption-configuration.ts";

export type LocalKind = "aescbc" | "aesgcm" | "secretbox";

/** A key, or a plugin that has keys. */
export type KeySource =
  | { readonly provider: LocalKind; readonly key: LocalKey }
  /** The name is that of the configuration's entry; undefined where nobody knows it, and then the plugin is asked for values of any. */
  | { readonly provider: "kms-v1"; readonly kms: KmsV1; readonly name: string | undefined }
  | { readonly provider: "kms-v2"; readonly kms: KmsV2; readonly name: string | undefined };

/** A stored value and the keys that may open it. */
export interface Unlocked {
  /** The DEK of KMS v1, the DEK or seed of KMS v2; never to be told. Undefined where there is none. */
  readonly dek: Uint8Array | undefined;
  /**
   * Opens the value as if it lay under this etcd key.
   * @throws EnvelopeError
   */
  open(etcdKey: string): Opened;
}

export interface KeyringOptions {
  readonly newUid: () => string;
  readonly signal: AbortSignal;
}

/** Opens stored values without an API server: with keys of a configuration, or by asking a plugin for the DEKs. */
export class Keyring {
  readonly #sources: readonly KeySource[];
  readonly #newUid: () => string;
  readonly #signal: AbortSignal;
  /** Decrypted DEK sources of KMS v2, by their identity; as an API server does, it asks once for each. */
  readonly #seeds = new Map<string, Uint8Array>();

  constructor(sources: readonly KeySource[], { newUid, signal }: KeyringOptions) {
    this.#sources = sources;
    this.#newUid = newUid;
    this.#signal = signal;
  }

  /** Undefined where there is no key for it. Rejects with a KmsCallError where no plugin decrypts its DEK. */
  async unlock(value: StoredValue): Promise<Unlocked | undefined> {
    switch (value.kind) {
      case "identity":
        return { dek: undefined, open: () => openIdentity(value.plaintext) };
      case "kms-v1": {
        const plugins = this.#sources.filter((source) => source.provider === value.kind).filter(isNamed(value.providerName));
        const dek = await firstOf(plugins, ({ kms }) => kms.decrypt(value.edek, { signal: this.#signal }));
        return dek && { dek, open: (etcdKey) => openKmsV1(dek, value.payload, Buffer.from(etcdKey)) };
      }
      case "kms-v2": {
        const dek = await this.#seedOf(value);
        return dek && { dek, open: (etcdKey) => openKmsV2(dek, value.object, Buffer.from(etcdKey)) };
      }
      default: {
        const { kind, keyName, body } = value;
        const keys = this.#sources.flatMap((source) =>
          source.provider === kind && source.key.name === keyName ? [source.key.secret] : [],
        );
        if (keys.length === 0) return undefined;
        return { dek: undefined, open: (etcdKey) => firstOpened(keys, (key) => openLocal(kind, key, { body, aad: Buffer.from(etcdKey) })) };
      }
    }
  }

  async #seedOf({ object, providerName }: Extract<StoredValue, { kind: "kms-v2" }>): Promise<Uint8Array | undefined> {
    const plugins = this.#sources.filter((source) => source.provider === "kms-v2").filter(isNamed(providerName));
    const id = dekSourceId(object);
    const known = this.#seeds.get(id);
    if (known !== undefined && plugins.length > 0) return known;
    const { encryptedDekSource: ciphertext, keyId, annotations } = object;
    const seed = await firstOf(plugins, async ({ kms }) => {
      const request = { ciphertext, keyId, annotations, uid: this.#newUid() };
      return (await kms.decrypt(request, { signal: this.#signal })).plaintext;
    });
    if (seed !== undefined) this.#seeds.set(id, seed);
    return seed;
  }
}

function isNamed(name: string) {
  return (source: { readonly name: string | undefined }) => source.name === undefined || source.name === name;
}

function openLocal(kind: LocalKind, key: Uint8Array, { body, aad }: { readonly body: Uint8Array; readonly aad: Uint8Array }): Opened {
  switch (kind) {
    case "aescbc":
      return openAesCbc(key, body);
    case "aesgcm":
      return openAesGcm(key, body, aad);
    case "secretbox":
      return openSecretbox(key, body);
  }
}

/** Providers of one prefix are all tried, and the last one's fault is told (spec encryption-at-rest 0.4). */
async function firstOf<Source>(sources: readonly Source[], ask: (source: Source) => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  let refusal: KmsCallError | undefined;
  for (const source of sources) {
    try {
      return await ask(source);
    } catch (thrown) {
      if (!(thrown instanceof KmsCallError)) throw thrown;
      refusal = thrown;
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}

function firstOpened(keys: readonly Uint8Array[], open: (key: Uint8Array) => Opened): Opened {
  let fault: EnvelopeError | undefined;
  for (const key of keys) {
    try {
      return open(key);
    } catch (thrown) {
      if (!(thrown instanceof EnvelopeError)) throw thrown;
      fault = thrown;
    }
  }
  throw fault ?? new RangeError("There is no key to open it with.");
}
