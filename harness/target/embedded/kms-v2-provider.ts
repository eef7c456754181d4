import { randomBytes, randomUUID } from "node:crypto";
import type { Clock, Timer } from "../../clock.ts";
import {
  buildStoredValue,
  dekSourceId,
  type EncryptedObject,
  EnvelopeError,
  type KmsV2DekSource,
  openKmsV2,
  parseStoredValue,
  sealKmsV2,
  validateEncryptedObject,
} from "../../envelope/index.ts";
import { type KmsV2, methodPaths } from "../../kms/contract.ts";
import {
  createKmsV2,
  type Failure,
  failure,
  type KmsV2Event,
  type KmsV2Read,
  type KmsV2State,
  type Outcome,
  type PollName,
  statusLabel,
  stepKmsV2,
} from "../../model/index.ts";
import { callFailure } from "./kms-v1-provider.ts";
import type { ApiServerMetrics } from "./metrics.ts";
import { failureOf, keyFault, type Plaintext, TransformError, type Transformer, transforming } from "./transformer.ts";

/** What an operation is told at its end: the DEK source that it may use. A health check is told none. */
type Permission = { readonly dek: Uint8Array; readonly stale: boolean } | undefined;

interface Work {
  /** The object that is read. */
  readonly object: EncryptedObject | undefined;
  /** What the plugin decrypted for this operation. */
  dek: Uint8Array | undefined;
  readonly done: (outcome: Outcome<Permission>) => void;
}

const none = new Uint8Array(0);
/** Stands in for the data while a plugin's answer is checked, where only its presence matters. */
const anyData = new Uint8Array(1);

/** Lets the model of a KMS v2 provider act on a real plugin: seeds, calls, timers are here, every decision is the model's. */
export class KmsV2Provider implements Transformer, AsyncDisposable {
  readonly #state: KmsV2State;
  readonly #timeoutMs: number;
  readonly #kms: KmsV2 & Disposable;
  readonly #clock: Clock;
  readonly #metrics: ApiServerMetrics;
  readonly #timers = new Map<PollName, Timer>();
  readonly #cache = new Map<string, Uint8Array>();
  readonly #work = new Map<number, Work>();
  readonly #aborting = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  /** What the last Encrypt gave; the model says whether it may be used. */
  #generated: KmsV2DekSource | undefined;
  #active: KmsV2DekSource | undefined;
  #operations = 0;

  constructor(
    configuration: { readonly name: string; readonly timeoutMs: number },
    { kms, clock, metrics }: { readonly kms: KmsV2 & Disposable; readonly clock: Clock; readonly metrics: ApiServerMetrics },
  ) {
    this.#state = createKmsV2(configuration.name);
    this.#timeoutMs = configuration.timeoutMs;
    this.#kms = kms;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Makes the first check; resolves when it is over, whatever came of it. */
  start(): Promise<void> {
    this.#dispatch({ kind: "start" });
    return this.#started.promise;
  }

  async write(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array> {
    await this.#run(undefined, (operation) => ({ kind: "write", operation }));
    const active = this.#active;
    if (active === undefined) throw new TypeError("The model lets nothing be written before a seed is active.");
    return transforming(() => {
      const object = sealKmsV2(active, { plaintext, aad, random: randomBytes });
      this.#metrics.recordKeyId("to_storage", this.#state.name, object.keyId);
      return buildStoredValue({ kind: "kms-v2", providerName: this.#state.name, object });
    });
  }

  async read(value: Uint8Array, aad: Uint8Array): Promise<Plaintext> {
    const stored = transforming(() => parseStoredValue(value, [this.#state.name]));
    if (stored.kind !== "kms-v2") throw new TypeError("Only values with the provider's prefix come here.");
    const { object } = stored;
    const { keyId, encryptedDekSourceType: sourceType } = object;
    const dekSource = dekSourceId(object);
    const permission = await this.#run(object, (operation) => ({ kind: "read", operation, dekSource, keyId, sourceType }));
    this.#metrics.recordKeyId("from_storage", this.#state.name, keyId);
    const opened = transforming(() => openKmsV2(permission?.dek ?? none, object, aad));
    return { plaintext: opened.plaintext, stale: permission?.stale === true };
  }

  /** The health check (spec encryption-at-rest 2.5): what is wrong with the plugin, or nothing. */
  async check(): Promise<Failure | undefined> {
    try {
      await this.#run(undefined, (operation) => ({ kind: "check", operation }));
      return undefined;
    } catch (thrown) {
      return failureOf(thrown);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
    this.#aborting.abort();
    this.#kms[Symbol.dispose]();
  }

  async #run(object: EncryptedObject | undefined, event: (operation: number) => KmsV2Event): Promise<Permission> {
    const operation = this.#operations++;
    const { promise, resolve } = Promise.withResolvers<Outcome<Permission>>();
    this.#work.set(operation, { object, dek: undefined, done: resolve });
    this.#dispatch(event(operation));
    const outcome = await promise;
    this.#work.delete(operation);
    if (!outcome.ok) throw new TransformError(outcome.failure);
    return outcome.value;
  }

  #dispatch(event: KmsV2Event): void {
    if (this.#aborting.signal.aborted && event.kind === "woken") return;
    const now = { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
    for (const effect of stepKmsV2(this.#state, event, now)) {
      switch (effect.kind) {
        case "started":
          this.#started.resolve();
          break;
        case "wake":
          this.#wake(effect.poll, effect.atMs - now.monotonicMs);
          break;
        case "call-status":
          void this.#callStatus();
          break;
        case "call-encrypt":
          void this.#callEncrypt();
          break;
        case "call-decrypt":
          this.#metrics.recordCacheMiss();
          void this.#callDecrypt(effect.read);
          break;
        case "activate":
          this.#active = this.#generated;
          break;
        case "remember":
          this.#remember(effect.dekSource, event);
          break;
        case "forget":
          this.#cache.delete(effect.dekSource);
          break;
        case "seal":
          this.#done(effect.operation, { ok: true, value: undefined });
          break;
        case "open": {
          const dek = this.#work.get(effect.operation)?.dek ?? this.#cache.get(effect.dekSource) ?? none;
          this.#done(effect.operation, { ok: true, value: { dek, stale: effect.stale } });
          break;
        }
        case "fail":
          this.#done(effect.operation, { ok: false, failure: effect.failure });
          break;
        case "checked":
          this.#done(
            effect.operation,
            effect.failure === undefined ? { ok: true, value: undefined } : { ok: false, failure: effect.failure },
          );
          break;
        case "valid-key-id":
          this.#metrics.recordStatusKeyId(this.#state.name, effect.keyId);
          break;
        case "invalid-key-id":
          this.#metrics.recordInvalidKeyId(this.#state.name, effect.error);
      }
    }
  }

  #done(operation: number, outcome: Outcome<Permission>): void {
    this.#work.get(operation)?.done(outcome);
  }

  #wake(poll: PollName, ms: number): void {
    if (this.#aborting.signal.aborted) return;
    const timer = this.#clock.startTimer(Math.max(0, ms), () => this.#dispatch({ kind: "woken", poll }));
    this.#timers.get(poll)?.[Symbol.dispose]();
    this.#timers.set(poll, timer);
  }

  #remember(dekSource: string, event: KmsV2Event): void {
    const dek = event.kind === "decrypt-answered" ? this.#work.get(event.read.operation)?.dek : this.#active?.dek;
    if (dek !== undefined) this.#cache.set(dekSource, dek);
    this.#metrics.recordDekSources(this.#state.name, this.#state.decryptCache.size);
  }

  async #callStatus(): Promise<void> {
    const outcome = await this.#call("Status", (options) => this.#kms.status(options));
    this.#dispatch({ kind: "status-answered", outcome });
  }

  /** The answer's limits are those of a stored object (spec encryption-at-rest 2.2). */
  async #callEncrypt(): Promise<void> {
    const uid = randomUUID();
    const startMs = this.#clock.monotonicMs();
    const dek = randomBytes(32);
    this.#metrics.recordKeyGeneration((this.#clock.monotonicMs() - startMs) / 1000);
    const outcome = await this.#call("Encrypt", (options) => this.#kms.encrypt({ plaintext: dek, uid }, options));
    if (!outcome.ok) {
      const message = `failed to encrypt DEK, error: ${outcome.failure.message}`;
      return this.#dispatch({ kind: "encrypt-answered", uid, outcome: { ok: false, failure: { ...outcome.failure, message } } });
    }
    const { ciphertext, keyId, annotations } = outcome.value;
    const source = { dek, keyId, encryptedDekSource: ciphertext, annotations, encryptedDekSourceType: 1 };
    try {
      validateEncryptedObject({ ...source, encryptedData: anyData });
    } catch (thrown) {
      if (!(thrown instanceof EnvelopeError)) throw thrown;
      return this.#dispatch({ kind: "encrypt-answered", uid, outcome: { ok: false, failure: failure(thrown.message) } });
    }
    this.#generated = source;
    this.#dispatch({ kind: "encrypt-answered", uid, outcome: { ok: true, value: { keyId, dekSource: dekSourceId(source) } } });
  }

  async #callDecrypt(read: KmsV2Read): Promise<void> {
    const work = this.#work.get(read.operation);
    if (work?.object === undefined) return;
    const { encryptedDekSource: ciphertext, keyId, annotations } = work.object;
    const request = { ciphertext, uid: randomUUID(), keyId, annotations };
    const outcome = await this.#call("Decrypt", (options) => this.#kms.decrypt(request, options));
    if (!outcome.ok) return this.#dispatch({ kind: "decrypt-answered", read, outcome });
    const { object } = work;
    const dek = outcome.value.plaintext;
    work.dek = dek;
    const unusable = keyFault(() => openKmsV2(dek, object, none));
    this.#dispatch({ kind: "decrypt-answered", read, outcome: { ok: true, value: unusable } });
  }

  async #call<Answer>(
    method: keyof typeof methodPaths.v2,
    run: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<Answer>,
  ): Promise<Outcome<Answer>> {
    const startMs = this.#clock.monotonicMs();
    const record = (problem: Failure | undefined) => {
      const seconds = (this.#clock.monotonicMs() - startMs) / 1000;
      this.#metrics.recordKmsOperation(this.#state.name, methodPaths.v2[method], statusLabel(problem), seconds);
    };
    try {
      const value = await run({ timeoutMs: this.#timeoutMs, signal: this.#aborting.signal });
      record(undefined);
      return { ok: true, value };
    } catch (thrown) {
      const problem = callFailure(thrown, this.#aborting.signal);
      record(problem);
      return { ok: false, failure: problem };
    }
  }
}
