import { randomBytes, randomUUID } from "node:crypto";
import {
  buildStoredValue,
  dekSourceTypes,
  type EncryptedObject,
  encodeEncryptedObject,
  type KmsV1Envelope,
  sealAesCbc,
  sealAesGcm,
  sealKmsV1,
  sealKmsV2,
  sealSecretbox,
  storedPrefix,
} from "../../harness/envelope/index.ts";
import type { LocalKind } from "./envelope-keyring.ts";
import type { PlaneKeys } from "./envelope-plane.ts";

/** What is sealed, and the etcd key that it is bound to where its scheme binds it. */
export interface SealedAs {
  readonly plaintext: Uint8Array;
  readonly key: string;
}

const dekBytes = 32;

/** As kube-apiserver ≥ 1.25 does, with a new DEK that the plugin encrypts. */
export async function kmsV1Envelope(keys: PlaneKeys, sealed: SealedAs): Promise<KmsV1Envelope> {
  const dek = random(dekBytes);
  return sealKmsV1({ dek, edek: await keys.v1.encrypt(dek) }, sealing(sealed));
}

/** As kube-apiserver ≤ 1.24 did: AES-CBC under the DEK. */
export async function legacyKmsV1Envelope(keys: PlaneKeys, sealed: SealedAs): Promise<KmsV1Envelope> {
  const dek = random(dekBytes);
  return { edek: await keys.v1.encrypt(dek), payload: sealAesCbc(dek, sealing(sealed)) };
}

/** With a new seed (`hkdfSha256XnonceAesGcmSeed`) or DEK (`aesGcmKey`) that the plugin encrypts. */
export async function kmsV2Object(keys: PlaneKeys, sealed: SealedAs, type: keyof typeof dekSourceTypes): Promise<EncryptedObject> {
  const dek = random(dekBytes);
  const { ciphertext, keyId, annotations } = await keys.v2.encrypt({ plaintext: dek, uid: randomUUID() });
  const source = { dek, encryptedDekSource: ciphertext, keyId, annotations, encryptedDekSourceType: dekSourceTypes[type] };
  return sealKmsV2(source, sealing(sealed));
}

export function storedKmsV1({ names }: PlaneKeys, envelope: KmsV1Envelope): Uint8Array {
  return buildStoredValue({ kind: "kms-v1", providerName: names["kms-v1"], ...envelope });
}

export function storedKmsV1Body({ names }: PlaneKeys, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(storedPrefix("kms-v1", names["kms-v1"])), body]);
}

/** Whether it keeps the rules or not: what kube-apiserver makes of one that does not is what is checked. */
export function storedKmsV2(keys: PlaneKeys, object: EncryptedObject): Uint8Array {
  return storedKmsV2Body(keys, encodeEncryptedObject(object));
}

export function storedKmsV2Body({ names }: PlaneKeys, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(storedPrefix("kms-v2", names["kms-v2"])), body]);
}

export function storedLocal({ localKey }: PlaneKeys, kind: LocalKind, sealed: SealedAs): Uint8Array {
  const seal = { aescbc: sealAesCbc, aesgcm: sealAesGcm, secretbox: sealSecretbox }[kind];
  return buildStoredValue({ kind, keyName: localKey.name, body: seal(localKey.secret, sealing(sealed)) });
}

function sealing({ plaintext, key }: SealedAs) {
  return { plaintext, aad: Buffer.from(key), random };
}

function random(length: number): Uint8Array {
  return Uint8Array.from(randomBytes(length));
}
