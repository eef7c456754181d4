import {
  decodeEncryptedObject,
  type EncryptedObject,
  EnvelopeError,
  type KmsV1Envelope,
  type Opened,
  parseKmsV1Body,
  parseStoredValue,
  type SplitStoredValue,
  type StoredKind,
  type StoredValue,
  splitStoredValue,
} from "../../harness/envelope/index.ts";
import { grpcCodeNames, KmsCallError } from "../../harness/kms/contract.ts";
import type { Keyring, Unlocked } from "./envelope-keyring.ts";

/** A key of an API server's store and what lies there. */
export interface EtcdValue {
  /** The full etcd key, `/registry/secrets/<namespace>/<name>`. */
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision of its last change; undefined where nobody knows it, as of a file. */
  readonly modRevision: number | undefined;
}

/** A value that was opened under its own key. */
export interface OpenedValue extends Opened {
  readonly value: StoredValue;
  readonly unlocked: Unlocked;
}

/** What became of opening a value. `unreadable`: its form is broken, which other checks say. `no-key`: nothing is here to open it with. */
export type Opening =
  | { readonly state: "opened"; readonly opened: OpenedValue }
  /** `unlocked` is there where its key was found, and did not open it. */
  | { readonly state: "refused"; readonly reason: string; readonly unlocked: Unlocked | undefined }
  | { readonly state: "no-key" }
  | { readonly state: "unreadable" };

/**
 * A stored value before a jury: each part of it can be looked at by itself, so that a check judges its own rule and no other. A part that
 * cannot be reached, because of what another check finds wrong, is undefined.
 */
export class EnvelopeValue {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly modRevision: number | undefined;
  /** Undefined where the prefix is wrong: {@link prefixFault} says why. */
  readonly split: SplitStoredValue | undefined;
  readonly prefixFault: string | undefined;
  readonly #names: readonly string[];
  readonly #keyring: Keyring;
  #opening: Promise<Opening> | undefined;

  /** @param names - those of the configuration, see {@link parseStoredValue}. */
  constructor({ key, value, modRevision }: EtcdValue, keyring: Keyring, names: readonly string[]) {
    this.key = key;
    this.bytes = value;
    this.modRevision = modRevision;
    this.#keyring = keyring;
    this.#names = names;
    const split = orFault(() => splitStoredValue(value, names));
    this.split = split instanceof EnvelopeError ? undefined : split;
    this.prefixFault = split instanceof EnvelopeError ? split.message : undefined;
  }

  /** What stands behind the prefix of an encrypted value of this kind. */
  body(kind: Exclude<StoredKind, "identity">): Uint8Array | undefined {
    return this.split?.kind === kind ? this.split.body : undefined;
  }

  /** The two parts of a KMS v1 value. */
  get kmsV1(): KmsV1Envelope | undefined {
    const body = this.body("kms-v1");
    return body && orUndefined(() => parseKmsV1Body(body));
  }

  /** The protobuf of a KMS v2 value, whether it keeps the limits or not. */
  get kmsV2(): EncryptedObject | undefined {
    const body = this.body("kms-v2");
    return body && orUndefined(() => decodeEncryptedObject(body));
  }

  /** The whole, where every rule of its form holds. */
  get whole(): StoredValue | undefined {
    return orUndefined(() => parseStoredValue(this.bytes, this.#names));
  }

  /** The local key or the KMS provider that it names, as one says it: `aesgcm key1`. */
  get writer(): string | undefined {
    if (this.split === undefined) return undefined;
    return this.split.kind === "identity" ? "identity" : `${this.split.kind} ${this.split.name}`;
  }

  /** Opens the value under its own key; done once, however many ask. Rejects where a plugin cannot be asked. */
  opening(): Promise<Opening> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<Opening> {
    const value = this.whole;
    if (value === undefined) return { state: "unreadable" };
    let unlocked: Unlocked | undefined;
    try {
      unlocked = await this.#keyring.unlock(value);
      if (unlocked === undefined) return { state: "no-key" };
      return { state: "opened", opened: { ...unlocked.open(this.key), value, unlocked } };
    } catch (thrown) {
      if (thrown instanceof EnvelopeError) return { state: "refused", reason: thrown.message, unlocked };
      if (thrown instanceof KmsCallError && !saysNothing(thrown))
        return { state: "refused", reason: `the plugin: ${thrown.message}`, unlocked };
      throw thrown;
    }
  }
}

/** Codes of a plugin that is not there or too slow: it did not judge the ciphertext. */
function saysNothing({ grpcCode }: KmsCallError): boolean {
  return ["Canceled", "DeadlineExceeded", "ResourceExhausted", "Unavailable", "Unimplemented"].includes(grpcCodeNames[grpcCode] ?? "");
}

function orFault<Part>(take: () => Part): Part | EnvelopeError {
  try {
    return take();
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return thrown;
    throw thrown;
  }
}

function orUndefined<Part>(take: () => Part): Part | undefined {
  const part = orFault(take);
  return part instanceof EnvelopeError ? undefined : part;
}
