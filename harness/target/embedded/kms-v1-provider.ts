import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { buildStoredValue, kmsV1CacheKey, openKmsV1, parseStoredValue, sealKmsV1 } from "../../envelope/index.ts";
import { messageOf } from "../../errors.ts";
import type { KmsV1 } from "../../kms/contract.ts";
import { createKmsV1, type Failure, type KmsV1Call, type KmsV1Event, type KmsV1State, type Outcome, stepKmsV1 } from "../../model/index.ts";
import type { ApiServerMetrics } from "./metrics.ts";
import { failureOf, keyFault, type Plaintext, TransformError, type Transformer, transforming } from "./transformer.ts";

/** What the model lets an operation do at its end: use this DEK. */
interface Work {
  dek: Uint8Array | undefined;
  /** The EDEK: what an Encrypt gave, or what lies in the value that is read. */
  edek: Uint8Array;
  readonly done: (result: Outcome<Uint8Array | undefined>) => void;
}

const ping = new TextEncoder().encode("ping");
const none = new Uint8Array(0);

/** Lets the model of a KMS v1 provider act on a real plugin: DEKs, calls and the clock are here, every decision is the model's. */
export class KmsV1Provider implements Transformer, AsyncDisposable {
  readonly #state: KmsV1State;
  readonly #kms: KmsV1 & Disposable;
  readonly #clock: Clock;
  readonly #metrics: ApiServerMetrics;
  readonly #cache = new Map<string, Uint8Array>();
  readonly #work = new Map<number, Work>();
  readonly #aborting = new AbortController();
  #operations = 0;

  constructor(
    configuration: { readonly name: string; readonly cacheSize?: number; readonly timeoutMs: number },
    { kms, clock, metrics }: { readonly kms: KmsV1 & Disposable; readonly clock: Clock; readonly metrics: ApiServerMetrics },
  ) {
    this.#state = createKmsV1(configuration);
    this.#kms = kms;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  async write(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array> {
    this.#metrics.recordArrival("to_storage");
    const startMs = this.#clock.monotonicMs();
    const dek = randomBytes(32);
    this.#metrics.recordKeyGeneration((this.#clock.monotonicMs() - startMs) / 1000);
    const work = await this.#run({ dek, edek: none }, (operation) => ({ kind: "write", operation }));
    const envelope = transforming(() => sealKmsV1({ dek, edek: work.edek }, { plaintext, aad, random: randomBytes }));
    return transforming(() => buildStoredValue({ kind: "kms-v1", providerName: this.#state.name, ...envelope }));
  }

  async read(value: Uint8Array, aad: Uint8Array): Promise<Plaintext> {
    this.#metrics.recordArrival("from_storage");
    const stored = transforming(() => parseStoredValue(value, [this.#state.name]));
    if (stored.kind !== "kms-v1") throw new TypeError("Only values with the provider's prefix come here.");
    const { edek, payload } = stored;
    const work = await this.#run({ dek: undefined, edek }, (operation) => ({ kind: "read", operation, dekSource: kmsV1CacheKey(edek) }));
    const opened = transforming(() => openKmsV1(work.dek ?? none, payload, aad));
    return { plaintext: opened.plaintext, stale: opened.legacy === true };
  }

  /** The health check (spec encryption-at-rest 1.5): what is wrong with the plugin, or nothing. */
  async check(): Promise<Failure | undefined> {
    try {
      await this.#run({ dek: undefined, edek: none }, (operation) => ({ kind: "check", operation }));
      return undefined;
    } catch (thrown) {
      return failureOf(thrown);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#aborting.abort();
    this.#kms[Symbol.dispose]();
  }

  async #run(start: { dek: Uint8Array | undefined; edek: Uint8Array }, event: (operation: number) => KmsV1Event) {
    const operation = this.#operations++;
    const { promise, resolve } = Promise.withResolvers<Outcome<Uint8Array | undefined>>();
    const work: Work = { ...start, done: resolve };
    this.#work.set(operation, work);
    this.#dispatch(event(operation));
    const outcome = await promise;
    this.#work.delete(operation);
    if (!outcome.ok) throw new TransformError(outcome.failure);
    return { dek: outcome.value, edek: work.edek };
  }

  #dispatch(event: KmsV1Event): void {
    const now = { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
    for (const effect of stepKmsV1(this.#state, event, now)) {
      switch (effect.kind) {
        case "ask-version":
          void this.#call(effect.call, (options) => this.#kms.version(options)).then((outcome) =>
            this.#dispatch({
              kind: "version-answered",
              call: effect.call,
              outcome: outcome.ok ? { ok: true, value: outcome.value.version } : outcome,
            }),
          );
          break;
        case "call":
          if (effect.call.method === "Decrypt" && effect.call.purpose === "work" && effect.call.isCacheMiss)
            this.#metrics.recordCacheMiss();
          void this.#answer(effect.call);
          break;
        case "remember": {
          const dek = this.#work.get(effect.operation)?.dek;
          if (dek !== undefined) this.#cache.set(effect.dekSource, dek);
          this.#metrics.recordCacheFill(this.#state.cache.size / this.#state.cacheSize);
          break;
        }
        case "forget":
          this.#cache.delete(effect.dekSource);
          this.#metrics.recordCacheFill(this.#state.cache.size / this.#state.cacheSize);
          break;
        case "seal":
        case "open": {
          const work = this.#work.get(effect.operation);
          work?.done({ ok: true, value: work.dek ?? this.#cache.get(effect.dekSource) });
          break;
        }
        case "fail":
          this.#work.get(effect.operation)?.done({ ok: false, failure: effect.failure });
          break;
        case "checked": {
          const outcome =
            effect.failure === undefined ? { ok: true as const, value: undefined } : { ok: false as const, failure: effect.failure };
          this.#work.get(effect.operation)?.done(outcome);
        }
      }
    }
  }

  /** Makes a call of the model and tells it what came of it. */
  async #answer(call: KmsV1Call): Promise<void> {
    const work = this.#work.get(call.operation);
    if (work === undefined) return;
    const outcome = await this.#call(call, (options) => {
      if (call.method === "Decrypt") return this.#kms.decrypt(work.edek, options);
      return this.#kms.encrypt(call.purpose === "probe" ? ping : (work.dek ?? none), options);
    });
    if (!outcome.ok) return this.#dispatch({ kind: "answered", call, outcome });
    if (call.method === "Encrypt") work.edek = outcome.value;
    else if (call.purpose === "work") {
      const unusable = keyFault(() => openKmsV1(outcome.value, none, none));
      if (unusable !== undefined) return this.#dispatch({ kind: "answered", call, outcome: { ok: false, failure: unusable } });
      work.dek = outcome.value;
    }
    const value = call.method === "Encrypt" ? kmsV1CacheKey(outcome.value) : "";
    this.#dispatch({ kind: "answered", call, outcome: { ok: true, value } });
  }

  async #call<Answer>(
    call: KmsV1Call,
    run: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<Answer>,
  ): Promise<Outcome<Answer>> {
    const timeoutMs = Math.max(1, call.deadlineMs - this.#clock.monotonicMs());
    try {
      return { ok: true, value: await run({ timeoutMs, signal: this.#aborting.signal }) };
    } catch (thrown) {
      return { ok: false, failure: callFailure(thrown, this.#aborting.signal) };
    }
  }
}

/** What a call failed with; one that was cut off because the API server stopped is nobody's defect. */
export function callFailure(thrown: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) return { message: messageOf(thrown), grpcCodeName: "Canceled" };
  return failureOf(thrown);
}
