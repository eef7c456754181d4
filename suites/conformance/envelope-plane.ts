import type { StoredKind, StoredSecret } from "../../harness/envelope/index.ts";
import type { KmsV1, KmsV2 } from "../../harness/kms/contract.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import type { LocalKey } from "../../harness/target/encryption-configuration.ts";
import type { EnvelopeValue } from "./envelope-value.ts";

/** A control plane with every provider in its configuration, for the cross read: what one side stored the other side must read. */
export interface EnvelopePlane {
  readonly keys: PlaneKeys;
  /** What the API server stored while this provider was its first, and what it had been told to. */
  written(provider: StoredKind): readonly WrittenSecret[];
  /** What lies in the store of the Secrets of all other providers, since each was put back unchanged with this one as the first. */
  readonly migrated: { readonly to: StoredKind; readonly secrets: readonly WrittenSecret[] };
  /**
   * Stores a value under a key of its own behind the API server's back, asks the API for that Secret, and takes the value away again, so that
   * one that cannot be read does not keep the API server's watch cache from coming back (spec encryption-at-rest 6.2).
   */
  readBack(secret: StoredSecret, value: Uint8Array): Promise<ApiAnswer>;
  /** A Secret of a name that nobody used before, and the etcd key under which it would lie. */
  newSecret(data: ReadonlyMap<string, Uint8Array>): { readonly secret: StoredSecret; readonly key: string };
}

/** What the API server encrypts with, for who seals in its place. */
export interface PlaneKeys {
  /** The one key of each local provider. */
  readonly localKey: LocalKey;
  /** The names of the KMS providers' entries. */
  readonly names: { readonly "kms-v1": string; readonly "kms-v2": string };
  /** The plugin, by its own socket. */
  readonly v1: KmsV1;
  readonly v2: KmsV2;
}

export interface WrittenSecret {
  readonly spec: SecretSpec;
  readonly stored: EnvelopeValue;
}
