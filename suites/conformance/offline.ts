import { randomBytes } from "node:crypto";
import {
  buildStoredValue,
  dekSourceTypes,
  openAesCbc,
  openAesGcm,
  openIdentity,
  openKmsV1,
  openKmsV2,
  openSecretbox,
  type StoredValue,
  sealAesCbc,
  sealAesGcm,
  sealKmsV1,
  sealKmsV2,
  sealSecretbox,
} from "../../harness/envelope/index.ts";
import type { LocalKey } from "../../harness/target/encryption-configuration.ts";
import type { KnownServer, LocalKeys, SharedProvider } from "./apiserver-subject.ts";

/** The providers that bind a value to its key. */
export const boundProviders = ["aesgcm", "kms-v1", "kms-v2"] as const;

const gcmOverhead = 28;
const blockBytes = 16;

/** What decrypts and encrypts in the API server's place. */
export type Keyring = Pick<KnownServer, "kms" | "localKeys" | "secondKeys" | "names">;

/**
 * The plaintext of a stored value, opened without the API server.
 *
 * @param key - the etcd key that the value is bound to, where its scheme binds it to one.
 * @throws EnvelopeError where the value does not open, KmsCallError where the plugin never made its encrypted DEK.
 */
export function openOffline(keyring: Keyring, value: StoredValue, key: string): Uint8Array {
  const aad = Buffer.from(key);
  switch (value.kind) {
    case "identity":
      return openIdentity(value.plaintext).plaintext;
    case "kms-v1":
      return openKmsV1(keyring.kms.open(value.edek), value.payload, aad).plaintext;
    case "kms-v2":
      return openKmsV2(keyring.kms.open(value.object.encryptedDekSource), value.object, aad).plaintext;
    case "aescbc":
      return openAesCbc(localKey(keyring, value.kind, value.keyName).secret, value.body).plaintext;
    case "aesgcm":
      return openAesGcm(localKey(keyring, value.kind, value.keyName).secret, value.body, aad).plaintext;
    case "secretbox":
      return openSecretbox(localKey(keyring, value.kind, value.keyName).secret, value.body).plaintext;
  }
}

/** The stored value that a provider of the API server would write for this key, sealed without it. */
export function sealOffline(
  { kms, localKeys, names }: Omit<Keyring, "secondKeys">,
  provider: SharedProvider,
  { plaintext, key }: { readonly plaintext: Uint8Array; readonly key: string },
): Uint8Array {
  const sealing = { plaintext, aad: Buffer.from(key), random: (length: number) => Uint8Array.from(randomBytes(length)) };
  const dek = randomBytes(32);
  switch (provider) {
    case "identity":
      return buildStoredValue({ kind: provider, plaintext });
    case "kms-v1": {
      const envelope = sealKmsV1({ dek, edek: kms.seal(dek) }, sealing);
      return buildStoredValue({ kind: provider, providerName: names[provider], ...envelope });
    }
    case "kms-v2": {
      const source = { dek, encryptedDekSource: kms.seal(dek), keyId: kms.keyId, annotations: kms.annotations };
      const object = sealKmsV2({ ...source, encryptedDekSourceType: dekSourceTypes.hkdfSha256XnonceAesGcmSeed }, sealing);
      return buildStoredValue({ kind: provider, providerName: names[provider], object });
    }
    case "aescbc":
      return buildStoredValue({ kind: provider, keyName: localKeys.aescbc.name, body: sealAesCbc(localKeys.aescbc.secret, sealing) });
    case "aesgcm":
      return buildStoredValue({ kind: provider, keyName: localKeys.aesgcm.name, body: sealAesGcm(localKeys.aesgcm.secret, sealing) });
    case "secretbox":
      return buildStoredValue({
        kind: provider,
        keyName: localKeys.secretbox.name,
        body: sealSecretbox(localKeys.secretbox.secret, sealing),
      });
  }
}

/** Puts into etcd what another provider would have stored of a Secret that is there; the API server is not asked. */
export async function reseal(known: KnownServer, name: string, provider: SharedProvider): Promise<void> {
  const { server } = known;
  const key = server.keyOf(name);
  const plaintext = openOffline(known, (await server.stored(name)).value, key);
  await server.store.put(key, sealOffline(known, provider, { plaintext, key }), server.signal);
}

/**
 * Creates a Secret and puts into etcd what another provider would have stored of it. Its length is such that the payload of KMS v1 is not
 * made of whole blocks: one that is may be taken for the CBC of Kubernetes ≤ 1.24 once it was tampered with, and one in 250 such is read without
 * an error (spec encryption-at-rest 1.2, fallback hazard).
 *
 * @returns what lies in etcd now.
 */
export async function createSealed(known: KnownServer, name: string, provider: SharedProvider): Promise<Uint8Array> {
  const { server } = known;
  await server.succeed(server.create(name, "a value"));
  const { value } = await server.stored(name);
  const isBlocks = (openOffline(known, value, server.keyOf(name)).length + gcmOverhead) % blockBytes === 0;
  if (isBlocks) await server.succeed(server.update(name, "a value!"));
  await reseal(known, name, provider);
  return (await server.raw(name)).bytes;
}

function localKey({ localKeys, secondKeys }: Keyring, kind: keyof LocalKeys, name: string): LocalKey {
  const key = [localKeys[kind], secondKeys[kind]].find((each) => each.name === name);
  if (key === undefined) throw new Error(`The check has no ${kind} key of the name ${name}.`);
  return key;
}
