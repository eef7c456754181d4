import { randomBytes } from "node:crypto";
import { systemClock } from "../../harness/clock.ts";
import {
  buildStoredValue,
  dekSourceTypes,
  type EncryptedObject,
  encodeEncryptedObject,
  encodeSecret,
  type KmsV2DekSource,
  sealAesCbc,
  sealAesGcm,
  sealKmsV1,
  sealKmsV2,
  sealSecretbox,
  storedPrefix,
} from "../../harness/envelope/index.ts";
import { KmsCallError, type KmsV1, type KmsV2 } from "../../harness/kms/contract.ts";
import { Keyring, type LocalKind } from "./envelope-keyring.ts";
import { type EnvelopeSubject, type StoredValuesOptions, storedValues } from "./envelope-subject.ts";
import type { EtcdValue } from "./envelope-value.ts";

/** What a value is sealed with other than right; what is not named is right. */
export interface SealedOtherwise {
  /** The authenticated data; the value's own key where it is not given. */
  readonly aad?: string;
  /** What all randomness is taken from, so that two values get the same. */
  readonly random?: (length: number) => Uint8Array;
}

const names = { "kms-v1": "kms1", "kms-v2": "kms2" };
const eachKind = 4;
/** Stands in every Secret. */
export const secretValue = Buffer.from("correct horse battery staple");

/**
 * For tests: stored values of every encrypting provider as they have to be, and what it takes to make others. The plugin is an object that knows
 * the DEKs which were made here.
 */
export class EnvelopeFixture {
  readonly localKey = { name: "key1", secret: randomBytes(32) };
  readonly #deks = new Map<string, Uint8Array>();
  /** What KMS v2 writes with. */
  readonly source = this.newSource("key-1");
  readonly values: readonly EtcdValue[];

  constructor() {
    const kinds = ["aescbc", "aesgcm", "secretbox", "kms-v1", "kms-v2"] as const;
    this.values = kinds.flatMap((kind, at) =>
      Array.from({ length: eachKind }, (_, index) => this.#right(kind, `${kind}-${index}`, 100 + at * eachKind + index)),
    );
  }

  static keyOf(name: string): string {
    return `/registry/secrets/default/${name}`;
  }

  /** A subject of these values, and of the right ones where none are given. */
  subject(values: readonly EtcdValue[] = this.values, otherwise: Partial<StoredValuesOptions> = {}): EnvelopeSubject {
    return storedValues({
      origin: "the fixture",
      async *values() {
        yield* values;
      },
      keyring: this.keyring(),
      names: [],
      readable: ["", ...this.#prefixes()],
      isOneLife: true,
      severalWriters: "The fixture has values of every provider.",
      lacks: {},
      clock: systemClock,
      ...otherwise,
    });
  }

  /** The right values and some more. */
  and(...more: readonly EtcdValue[]): EnvelopeSubject {
    return this.subject([...this.values, ...more]);
  }

  keyring(): Keyring {
    const local = (["aescbc", "aesgcm", "secretbox"] as const).map((provider) => ({ provider, key: this.localKey }));
    return new Keyring(
      [
        ...local,
        { provider: "kms-v1", kms: this.#pluginV1(), name: names["kms-v1"] },
        { provider: "kms-v2", kms: this.#pluginV2(), name: names["kms-v2"] },
      ],
      { newUid: () => "uid", signal: new AbortController().signal },
    );
  }

  /** A DEK or seed that the plugin knows under its ciphertext. */
  newDek(bytes = 32): { readonly dek: Uint8Array; readonly edek: Uint8Array } {
    return this.wrap(randomBytes(bytes));
  }

  /** Another ciphertext of a DEK. */
  wrap(dek: Uint8Array): { readonly dek: Uint8Array; readonly edek: Uint8Array } {
    const edek = Uint8Array.from(randomBytes(60));
    this.#deks.set(Buffer.from(edek).toString("hex"), dek);
    return { dek, edek };
  }

  newSource(
    keyId: string,
    { type = "hkdfSha256XnonceAesGcmSeed", bytes = 32 }: { type?: keyof typeof dekSourceTypes; bytes?: number } = {},
  ): KmsV2DekSource {
    const { dek, edek } = this.newDek(bytes);
    const annotations = new Map([["version.kms.kmsmark.test", Uint8Array.of(1)]]);
    return { dek, keyId, encryptedDekSource: edek, annotations, encryptedDekSourceType: dekSourceTypes[type] };
  }

  local(kind: LocalKind, name: string, otherwise: SealedOtherwise = {}): EtcdValue {
    const seal = { aescbc: sealAesCbc, aesgcm: sealAesGcm, secretbox: sealSecretbox }[kind];
    return this.localBody(kind, name, seal(this.localKey.secret, sealing(name, otherwise)));
  }

  localBody(kind: LocalKind, name: string, body: Uint8Array, keyName = this.localKey.name): EtcdValue {
    return at(name, buildStoredValue({ kind, keyName, body }));
  }

  kmsV1(name: string, { dek, edek } = this.newDek(), otherwise: SealedOtherwise = {}): EtcdValue {
    return this.kmsV1Parts(name, sealKmsV1({ dek, edek }, sealing(name, otherwise)));
  }

  /** In the form of Kubernetes ≤ 1.24. */
  legacyKmsV1(name: string): EtcdValue {
    const { dek, edek } = this.newDek();
    return this.kmsV1Parts(name, { edek, payload: sealAesCbc(dek, sealing(name, {})) });
  }

  kmsV1Parts(name: string, parts: { readonly edek: Uint8Array; readonly payload: Uint8Array }): EtcdValue {
    return at(name, buildStoredValue({ kind: "kms-v1", providerName: names["kms-v1"], ...parts }));
  }

  kmsV1Body(name: string, body: Uint8Array): EtcdValue {
    return at(name, Buffer.concat([Buffer.from(storedPrefix("kms-v1", names["kms-v1"])), body]));
  }

  kmsV2(name: string, source: KmsV2DekSource = this.source, otherwise: SealedOtherwise = {}): EtcdValue {
    return this.kmsV2Body(name, encodeEncryptedObject(this.object(name, source, otherwise)));
  }

  object(name: string, source: KmsV2DekSource = this.source, otherwise: SealedOtherwise = {}): EncryptedObject {
    return sealKmsV2(source, sealing(name, otherwise));
  }

  /** Whether it keeps the rules or not. */
  kmsV2Object(name: string, change: Partial<EncryptedObject>): EtcdValue {
    return this.kmsV2Body(name, encodeEncryptedObject({ ...this.object(name), ...change }));
  }

  kmsV2Body(name: string, body: Uint8Array): EtcdValue {
    return at(name, Buffer.concat([Buffer.from(storedPrefix("kms-v2", names["kms-v2"])), body]));
  }

  #right(kind: LocalKind | "kms-v1" | "kms-v2", name: string, modRevision: number): EtcdValue {
    const value = kind === "kms-v1" ? this.kmsV1(name) : kind === "kms-v2" ? this.kmsV2(name) : this.local(kind, name);
    return { ...value, modRevision };
  }

  #prefixes(): string[] {
    const local = (["aescbc", "aesgcm", "secretbox"] as const).map((kind) => storedPrefix(kind, this.localKey.name));
    return [...local, storedPrefix("kms-v1", names["kms-v1"]), storedPrefix("kms-v2", names["kms-v2"])];
  }

  #dekOf(edek: Uint8Array): Uint8Array {
    const dek = this.#deks.get(Buffer.from(edek).toString("hex"));
    if (dek === undefined) throw new KmsCallError(3, "no such key");
    return dek;
  }

  #pluginV1(): KmsV1 {
    return { version: unasked, encrypt: unasked, decrypt: async (cipher) => this.#dekOf(cipher) };
  }

  #pluginV2(): KmsV2 {
    return { status: unasked, encrypt: unasked, decrypt: async ({ ciphertext }) => ({ plaintext: this.#dekOf(ciphertext) }) };
  }
}

/** The Secret of a name, as kube-apiserver would encrypt it. */
export function plaintextOf(name: string): Uint8Array {
  const metadata = { name, namespace: "default", uid: "0a2b6a4e-8f0c-4c55-9d7b-7f0f4f3c2a10", labels: new Map(), annotations: new Map() };
  return encodeSecret({ metadata, type: "Opaque", data: new Map([["password", secretValue]]) });
}

export function at(name: string, value: Uint8Array): EtcdValue {
  return { key: EnvelopeFixture.keyOf(name), value, modRevision: 900 };
}

function sealing(
  name: string,
  { aad = EnvelopeFixture.keyOf(name), random = (length) => Uint8Array.from(randomBytes(length)) }: SealedOtherwise,
) {
  return { plaintext: plaintextOf(name), aad: Buffer.from(aad), random };
}

async function unasked(): Promise<never> {
  throw new Error("Nobody should ask for this.");
}
