import type { Clock } from "../harness/clock.ts";
import {
  type DecryptRequest,
  type DecryptResponse,
  defaultCallTimeoutMs,
  type EncryptRequest,
  type EncryptResponse,
  type StatusResponse,
  type VersionResponse,
} from "../harness/kms/contract.ts";
import type { DecryptRequestV1, DecryptResponseV1, EncryptRequestV1, EncryptResponseV1, VersionRequest } from "../harness/kms/messages.ts";
import type { Random } from "../harness/random.ts";
import type { PluginObserver, ProviderCall, ProviderOperation } from "./observer.ts";
import { type Answer, type CallContext, type PromptProvider, ProviderFault, type Wrapped } from "./provider.ts";
import { withRetries } from "./retry.ts";
import { untilAborted } from "./until-aborted.ts";

/** More than any DEK: kube-apiserver sends 32 bytes. */
export const plaintextBytesMax = 64 * 1024;
/** What kube-apiserver accepts (spec encryption-at-rest 2.2). */
export const keyIdBytesMax = 1024;
export const annotationsBytesMax = 32 * 1024;
/** By how much a ciphertext may exceed its plaintext, so that that of a 32-byte seed has the 1024 bytes that kube-apiserver accepts. */
export const ciphertextOverheadBytesMax = 1024 - 32;

/** Between one and three times a key version's freshness Status still answers with it at once, and asks in the background. */
const backgroundFreshFactor = 3;
/** How much of a Status call's time the KMS gets, so that there is some left to say that it did not answer. */
const kmsShareOfStatus = 0.8;

export interface KeyServiceOptions {
  readonly clock: Clock;
  /** For the pauses between retries. */
  readonly random: Random;
  readonly observer: PluginObserver;
  /** Told to kube-apiserver by KMS v1's Version. */
  readonly runtimeVersion: string;
}

interface KnownKey {
  readonly keyId: string;
  /** When the KMS was asked; an answer to an earlier question never replaces one to a later. */
  readonly askedMs: number;
}

/**
 * Both KMS contracts on top of one provider, without the wire: checks requests and what the provider returns, retries within the
 * deadline, and remembers the current key version so that Status need not ask. Whatever fails is thrown as a {@link ProviderFault}.
 */
export class KeyService {
  readonly #provider: PromptProvider;
  readonly #options: KeyServiceOptions;
  #known: KnownKey | undefined;
  /** Why the KMS could not be used when it was last tried; undefined while it can. */
  #fault: ProviderFault | undefined;
  #asking: Promise<KnownKey> | undefined;

  constructor(provider: PromptProvider, options: KeyServiceOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  /** `ok` if the KMS was usable when last tried, else why not. Makes no KMS call. */
  get health(): string {
    if (this.#fault !== undefined) return this.#fault.message;
    return this.#known === undefined ? "The KMS has not been asked yet." : "ok";
  }

  /**
   * Answers with the known key version while it is fresh. When the KMS cannot be used, the last known key version is still named, beside
   * a healthz text that says why; only where none was ever known the call fails.
   */
  async status(context: CallContext): Promise<StatusResponse> {
    const known = this.#known;
    if (known !== undefined && this.#fault === undefined) {
      const ageMs = this.#options.clock.monotonicMs() - known.askedMs;
      const freshMs = this.#provider.keyVersionFreshMs;
      if (freshMs > 0 && ageMs <= backgroundFreshFactor * freshMs) {
        if (ageMs > freshMs) void this.refresh();
        return { version: "v2", healthz: "ok", keyId: known.keyId };
      }
    }
    try {
      const { keyId } = await this.#askCurrentKey((context.deadlineMs - this.#options.clock.monotonicMs()) * kmsShareOfStatus);
      return { version: "v2", healthz: "ok", keyId };
    } catch (thrown) {
      if (this.#known === undefined) throw thrown;
      return { version: "v2", healthz: faultOf(thrown).message, keyId: this.#known.keyId };
    }
  }

  async encrypt({ plaintext, uid }: EncryptRequest, context: CallContext): Promise<EncryptResponse> {
    requireUid(uid);
    requirePlaintext(plaintext);
    const askedMs = this.#options.clock.monotonicMs();
    try {
      const answer = this.#ask("encrypt", context, () => this.#provider.encrypt(plaintext, context));
      const wrapped = answer instanceof Promise ? await answer : answer;
      requireWrapped(wrapped, plaintext.length);
      this.#learn({ keyId: wrapped.keyId, askedMs });
      return wrapped;
    } catch (thrown) {
      throw this.#noteFault(thrown);
    }
  }

  async decrypt({ ciphertext, uid, keyId, annotations }: DecryptRequest, context: CallContext): Promise<DecryptResponse> {
    requireUid(uid);
    requireCiphertext(ciphertext);
    const keyIdBytes = byteLengthOf(keyId);
    if (keyIdBytes === 0 || keyIdBytes > keyIdBytesMax)
      throw badRequest(`The key_id has ${keyIdBytes} bytes; it has 1 to ${keyIdBytesMax}.`);
    requireAnnotations(annotations, badRequest);
    const wrapped = { ciphertext, keyId, annotations };
    const answer = this.#ask("decrypt", context, () => this.#provider.decrypt(wrapped, context));
    return { plaintext: answer instanceof Promise ? await answer : answer };
  }

  version({ version }: VersionRequest): VersionResponse {
    requireVersion(version);
    return { version: "v1beta1", runtimeName: `kmsmark-${this.#provider.name}`, runtimeVersion: this.#options.runtimeVersion };
  }

  async encryptV1({ version, plain }: EncryptRequestV1, context: CallContext): Promise<EncryptResponseV1> {
    requireVersion(version);
    requirePlaintext(plain);
    try {
      const cipher = await this.#ask("encrypt", context, () => this.#provider.encryptV1(plain, context));
      if (cipher.length === 0) throw brokenProvider("The KMS returned an empty ciphertext.");
      return { cipher };
    } catch (thrown) {
      throw this.#noteFault(thrown);
    }
  }

  async decryptV1({ version, cipher }: DecryptRequestV1, context: CallContext): Promise<DecryptResponseV1> {
    requireVersion(version);
    requireCiphertext(cipher);
    return { plain: await this.#ask("decrypt", context, () => this.#provider.decryptV1(cipher, context)) };
  }

  /** Has the provider read its keys again. */
  async reload(): Promise<void> {
    await this.#provider.reload?.();
    await this.refresh();
  }

  /** Asks for the current key version, so that {@link health} and Status know; a failure is theirs to tell. */
  async refresh(): Promise<void> {
    await this.#askCurrentKey(defaultCallTimeoutMs).catch(() => {});
  }

  /** One question at a time, however many Status calls wait for the answer. */
  #askCurrentKey(timeoutMs: number): Promise<KnownKey> {
    this.#asking ??= this.#askCurrentKeyOnce(timeoutMs).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askCurrentKeyOnce(timeoutMs: number): Promise<KnownKey> {
    const { clock } = this.#options;
    const askedMs = clock.monotonicMs();
    const tooLate = new AbortController();
    using _timer = clock.startTimer(timeoutMs, () => tooLate.abort(new ProviderFault("deadline", "The KMS did not answer in time.")));
    const context: CallContext = { signal: tooLate.signal, deadlineMs: askedMs + timeoutMs, uid: "" };
    try {
      const { keyId } = await this.#ask("currentKey", context, () => this.#provider.currentKey(context));
      requireKeyId(keyId);
      return this.#learn({ keyId, askedMs });
    } catch (thrown) {
      throw this.#noteFault(thrown);
    }
  }

  #learn(key: KnownKey): KnownKey {
    this.#fault = undefined;
    if (this.#known !== undefined && this.#known.askedMs > key.askedMs) return this.#known;
    this.#known = key;
    return key;
  }

  /**
   * What says something about the KMS, and not about the request, makes the plugin unhealthy until the KMS is usable again. A failed
   * Decrypt does not: it may be about an old key version.
   */
  #noteFault(thrown: unknown): ProviderFault {
    const fault = faultOf(thrown);
    if (fault.kind !== "invalid-request" && fault.kind !== "cancelled") this.#fault = fault;
    return fault;
  }

  #ask<Value>(operation: ProviderOperation, context: CallContext, call: () => Answer<Value>): Answer<Value> {
    const startMs = this.#options.clock.monotonicMs();
    let answer: Answer<Value>;
    try {
      answer = call();
    } catch (thrown) {
      answer = Promise.reject(thrown);
    }
    if (answer instanceof Promise) return this.#await(operation, context, answer, call);
    this.#tell(operation, startMs, "ok");
    return answer;
  }

  /** @param begun - the first attempt. */
  #await<Value>(operation: ProviderOperation, context: CallContext, begun: Promise<Value>, call: () => Answer<Value>): Promise<Value> {
    let first: Promise<Value> | undefined = begun;
    const attempt = async () => {
      const startMs = this.#options.clock.monotonicMs();
      try {
        const pending = first ?? call();
        first = undefined;
        // A provider that does not give up when it is told to must not hold up its caller.
        const answer = pending instanceof Promise ? await untilAborted(pending, context.signal) : pending;
        this.#tell(operation, startMs, "ok");
        return answer;
      } catch (thrown) {
        const fault = context.signal.aborted ? faultOf(context.signal.reason) : faultOf(thrown);
        this.#tell(operation, startMs, fault.kind);
        throw fault;
      }
    };
    return withRetries(attempt, context, this.#options);
  }

  #tell(operation: ProviderOperation, startMs: number, outcome: ProviderCall["outcome"]): void {
    const { clock, observer } = this.#options;
    observer.onProviderCall?.({ operation, durationMs: clock.monotonicMs() - startMs, outcome });
  }
}

/** What is no ProviderFault is a defect of the provider; its message may quote anything, so it goes no further. */
export function faultOf(thrown: unknown): ProviderFault {
  return thrown instanceof ProviderFault ? thrown : brokenProvider("The provider failed in a way that it does not foresee.");
}

function badRequest(message: string): ProviderFault {
  return new ProviderFault("invalid-request", message);
}

function brokenProvider(message: string): ProviderFault {
  return new ProviderFault("internal", message);
}

function requireUid(uid: string): void {
  if (uid === "") throw badRequest("The request has no uid.");
}

function requireVersion(version: string): void {
  if (version !== "v1beta1") throw badRequest("The request is not of version v1beta1.");
}

function requirePlaintext({ length }: Uint8Array): void {
  if (length > plaintextBytesMax) throw badRequest(`The plaintext has ${length} bytes; this plugin takes at most ${plaintextBytesMax}.`);
}

function requireCiphertext({ length }: Uint8Array): void {
  const bytesMax = plaintextBytesMax + ciphertextOverheadBytesMax;
  if (length === 0 || length > bytesMax) throw badRequest(`The ciphertext has ${length} bytes; this plugin takes 1 to ${bytesMax}.`);
}

const printableAscii = /^[ -~]*$/;

/** As UTF-8. */
function byteLengthOf(text: string): number {
  return printableAscii.test(text) ? text.length : Buffer.byteLength(text);
}

function requireKeyId(keyId: string): void {
  const bytes = byteLengthOf(keyId);
  if (bytes === 0 || bytes > keyIdBytesMax)
    throw brokenProvider(`The KMS returned a key_id of ${bytes} bytes; it has 1 to ${keyIdBytesMax}.`);
}

function requireWrapped({ ciphertext, keyId, annotations }: Wrapped, plaintextBytes: number): void {
  const bytesMax = plaintextBytes + ciphertextOverheadBytesMax;
  if (ciphertext.length === 0 || ciphertext.length > bytesMax) {
    throw brokenProvider(`The KMS returned a ciphertext of ${ciphertext.length} bytes for ${plaintextBytes}; it has 1 to ${bytesMax}.`);
  }
  requireKeyId(keyId);
  requireAnnotations(annotations, brokenProvider);
}

/** One label of a domain name, RFC 1123. */
const label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
const domainName = new RegExp(`^${label}(\\.${label})+\\.?$`);

function requireAnnotations(annotations: ReadonlyMap<string, Uint8Array>, fault: (message: string) => ProviderFault): void {
  let bytes = 0;
  for (const [key, value] of annotations) {
    bytes += byteLengthOf(key) + value.length;
    if (key.length > 253 || !domainName.test(key)) throw fault("The key of an annotation is no domain name of two labels or more.");
  }
  if (bytes > annotationsBytesMax) throw fault(`The annotations have ${bytes} bytes together; they have at most ${annotationsBytesMax}.`);
}
