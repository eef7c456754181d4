import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import type { EncryptionConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { EtcdAccess } from "../../harness/target/etcd-store.ts";
import type { SubjectBase } from "./check.ts";

/** The providers that encrypt. */
export const encryptingKinds = ["aescbc", "aesgcm", "secretbox", "kms-v1", "kms-v2"] as const;
export type EncryptingKind = (typeof encryptingKinds)[number];

/** Where what was written could have come to. */
export type PlaceKind =
  | "keys"
  | "revisions"
  | "database"
  | "write-ahead log"
  | "snapshots"
  | "API server's log"
  | "etcd's log"
  | "plugin's log"
  | "run folder";

/** Something that is searched from its first byte to its last. */
export interface Place {
  /** In words, without a path of this machine: `the file member/snap/db`. */
  readonly name: string;
  read(): AsyncIterable<Uint8Array>;
}

/** A Secret of an encrypting provider, and what lies in the store of it. */
export interface SampleSecret {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  readonly stored: Uint8Array;
}

/** What was drawn at random for each write of one provider, in the order of the keys. */
export interface RandomPart {
  readonly kind: EncryptingKind;
  readonly what: "IV" | "nonce" | "info";
  readonly strings: readonly Uint8Array[];
}

/** The mode of a file that only its owner may use, or of a folder that only its owner may enter. */
export interface GuardedFile {
  /** In words, without a path of this machine. */
  readonly name: string;
  readonly holds: "socket" | "keys" | "stored values";
  /** Permission bits. */
  readonly mode: number;
}

/**
 * A control plane to which every provider wrote Secrets that can be told from everything else: all that was written to it is known, so that
 * it can be searched for. What is asked for first is made first, once: the writes take the longest.
 */
export interface SecuritySubject extends SubjectBase {
  readonly signal: AbortSignal;
  /** What stands in each Secret of a provider; never to be told. */
  readonly canaries: ReadonlyMap<EncryptingKind, Uint8Array>;
  /** What stands in one object that no provider encrypts, so that a search can be seen to find something. */
  readonly plainCanary: Uint8Array;
  /** Values of Secrets of a run whose folder is searched too, by their names; never to be told. */
  readonly runSecrets: ReadonlyMap<string, Uint8Array>;
  /** Keys and credentials of the control plane by their names; never to be told. */
  readonly credentials: ReadonlyMap<string, Uint8Array>;
  /** Those of which there are Secrets. */
  readonly kinds: readonly EncryptingKind[];
  /** Empty where there is nothing of the kind. */
  places(kind: PlaceKind): Promise<readonly Place[]>;
  /** Some Secrets that this provider wrote. */
  samples(kind: EncryptingKind): Promise<readonly SampleSecret[]>;
  randomParts(): Promise<readonly RandomPart[]>;
  /** What the API answers for a Secret while these bytes lie under its key; then what was there before lies there again. */
  readWith(secret: { readonly namespace: string; readonly name: string }, bytes: Uint8Array): Promise<ApiAnswer>;
  guardedFiles(): Promise<readonly GuardedFile[]>;
  /** Where the API server and its etcd answer; there is no etcd behind a model. */
  readonly doors: { readonly apiServer: EtcdAccess; readonly etcd: EtcdAccess | undefined };
  /** The configuration that is judged, and whose it is, in words. */
  readonly configuration: { readonly of: string; readonly encryption: EncryptionConfiguration };
}
