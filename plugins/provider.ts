/**
 * What a KMS is to the bundled plugin. The server above it owns the wire (both gRPC contracts, uid, limits, logs, metrics, the Status
 * cache, retries); a provider owns the talk with one KMS and nothing else.
 */
export interface KmsProvider extends AsyncDisposable {
  /** As on the command line: `local`, `alibaba`, … */
  readonly name: string;
  /** For how long, milliseconds, an answer of {@link currentKey} holds without asking again; 0 where asking costs no KMS call. */
  readonly keyVersionFreshMs: number;
  /** Asks the KMS which key version encrypts now and whether it can be used. Costs a KMS call where the KMS is remote. */
  currentKey(context: CallContext): Promise<KeyVersion>;
  /** Encrypts under the current key version and says which one that was. */
  encrypt(plaintext: Uint8Array, context: CallContext): Promise<Wrapped>;
  /** Decrypts with the key version that `wrapped` names; refuses what was not bound together by one {@link encrypt}. */
  decrypt(wrapped: Wrapped, context: CallContext): Promise<Uint8Array>;
  /** KMS v1 knows no key id and no annotations: everything that decrypting needs has to be inside the ciphertext. */
  encryptV1(plaintext: Uint8Array, context: CallContext): Promise<Uint8Array>;
  decryptV1(ciphertext: Uint8Array, context: CallContext): Promise<Uint8Array>;
  /** Reads its keys or credentials again where it has them in files; the operator asked for it (SIGHUP). What is bad is logged and not taken. */
  reload?(): Promise<void>;
}

/** What a provider knows at once it may return as it is; what it has to ask for is a promise, and so is a failure. */
export type Answer<Value> = Value | Promise<Value>;

/** A provider that has the keys itself and need not wait: as {@link KmsProvider} in everything else. */
export interface PromptProvider extends Omit<KmsProvider, "encrypt" | "decrypt" | "encryptV1" | "decryptV1"> {
  encrypt(plaintext: Uint8Array, context: CallContext): Answer<Wrapped>;
  decrypt(wrapped: Wrapped, context: CallContext): Answer<Uint8Array>;
  encryptV1(plaintext: Uint8Array, context: CallContext): Answer<Uint8Array>;
  decryptV1(ciphertext: Uint8Array, context: CallContext): Answer<Uint8Array>;
}

export interface CallContext {
  /** Aborts at the caller's gRPC deadline or when the caller goes away; a provider gives up then. */
  readonly signal: AbortSignal;
  /** When the caller's deadline is, on the plugin's monotonic clock: retries that cannot end before it are not begun. */
  readonly deadlineMs: number;
  /** The uid of the call, for the KMS's own audit log where it takes one. */
  readonly uid: string;
}

export interface KeyVersion {
  /** Stable as long as the same key version encrypts, never used again afterwards; holds no secret; at most 1024 bytes. */
  readonly keyId: string;
}

/** A ciphertext with what has to travel beside it. */
export interface Wrapped {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  /** Keys are domain names, values hold no secret. */
  readonly annotations: ReadonlyMap<string, Uint8Array>;
}

/**
 * Why a provider could not do what was asked, in terms that the server can act on:
 * `unavailable` and `throttled` are worth a retry within the deadline, the others are not.
 */
export type ProviderFaultKind =
  | "unavailable"
  | "throttled"
  | "deadline"
  | "key-unusable"
  | "permission-denied"
  | "invalid-ciphertext"
  | "invalid-request"
  /** The caller went away. */
  | "cancelled"
  | "internal";

/** What a provider throws. The message is shown to the API server and in logs, so it never quotes request, response or credential. */
export class ProviderFault extends Error {
  readonly kind: ProviderFaultKind;
  /** The KMS's own advice, milliseconds, where it gave one. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: ProviderFaultKind, message: string, options: { retryAfterMs?: number } = {}) {
    super(message);
    this.name = "ProviderFault";
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}
