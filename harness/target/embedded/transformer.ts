import type { Clock } from "../../clock.ts";
import { EnvelopeError } from "../../envelope/index.ts";
import { KmsCallError } from "../../kms/contract.ts";
import {
  type Failure,
  failure,
  isFailureForgotten,
  isStale,
  type PrefixTransformers,
  readFailure,
  readLabel,
  readOrder,
  statusLabel,
  unknownLabel,
} from "../../model/index.ts";
import type { ApiServerMetrics, TransformationType } from "./metrics.ts";

/** Between an object's bytes and what lies in the store. Both methods fail with a {@link TransformError}. */
export interface Transformer {
  /** @returns the stored value, with its prefix. @param aad - the full store key in UTF-8. */
  write(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array>;
  /** @param value - the stored value, with its prefix. */
  read(value: Uint8Array, aad: Uint8Array): Promise<Plaintext>;
}

export interface Plaintext {
  readonly plaintext: Uint8Array;
  /** The next update writes the object again, even one that changes nothing. */
  readonly stale: boolean;
}

/** A value could not be transformed; the message is kube-apiserver's. */
export class TransformError extends Error {
  readonly failure: Failure;

  constructor(cause: Failure) {
    super(cause.message);
    this.name = "TransformError";
    this.failure = cause;
  }
}

/** What a transform or a KMS call failed with; anything else that was thrown is a defect and thrown again. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof TransformError) return thrown.failure;
  if (thrown instanceof KmsCallError) return { message: thrown.message, grpcCodeName: thrown.grpcCodeName };
  if (thrown instanceof EnvelopeError) return failure(thrown.message);
  throw thrown;
}

/** Runs what may throw a fault of the stored bytes, and throws it as a {@link TransformError}. */
export function transforming<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (thrown) {
    throw new TransformError(failureOf(thrown));
  }
}

/** Why a key that a KMS decrypted cannot be one, told by an attempt to open something with it; kube-apiserver does not cache such a key. */
export function keyFault(open: () => unknown): Failure | undefined {
  try {
    open();
  } catch (thrown) {
    if (thrown instanceof EnvelopeError && (thrown.code === "key-size" || thrown.code === "seed-size")) return failure(thrown.message);
  }
  return undefined;
}

/** Where the metrics of a list of transformers go. */
export interface TransformerScope {
  readonly resource: string;
  readonly metrics: ApiServerMetrics;
  readonly clock: Clock;
}

/** A list of transformers told apart by prefix (spec encryption-at-rest 0.4), as the model orders them. */
export class OrderedTransformers implements Transformer {
  readonly #order: PrefixTransformers;
  readonly #transformers: readonly Transformer[];
  readonly #scope: TransformerScope;
  readonly #outer: string;

  /** @param outer - what stands before the prefixes in a value: nothing, or for a provider's keys the provider's own prefix. */
  constructor(order: PrefixTransformers, transformers: readonly Transformer[], scope: TransformerScope, outer = "") {
    this.#order = order;
    this.#transformers = transformers;
    this.#scope = scope;
    this.#outer = outer;
  }

  async write(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array> {
    const [prefix] = this.#order.prefixes;
    const [transformer] = this.#transformers;
    if (prefix === undefined || transformer === undefined) throw new TransformError(failure(this.#order.noMatch));
    return this.#record("to_storage", prefix, () => transformer.write(plaintext, aad));
  }

  async read(value: Uint8Array, aad: Uint8Array): Promise<Plaintext> {
    const failures: Failure[] = [];
    for (const index of readOrder(this.#order, (prefix) => beginsWith(value, this.#outer + prefix))) {
      const prefix = this.#order.prefixes[index] ?? "";
      const transformer = this.#transformers[index];
      try {
        if (transformer === undefined) continue;
        const read = () => transformer.read(value, aad);
        const opened = await (isFailureForgotten(prefix)
          ? this.#recordSuccess(prefix, read)
          : this.#record("from_storage", readLabel(prefix), read));
        return { plaintext: opened.plaintext, stale: isStale(index, opened.stale) };
      } catch (thrown) {
        const cause = failureOf(thrown);
        if (!isFailureForgotten(prefix)) failures.push(cause);
      }
    }
    const cause = readFailure(this.#order, failures);
    if (failures.length === 0) {
      this.#scope.metrics.recordTransformation(this.#scope.resource, "from_storage", unknownLabel, statusLabel(cause), 0);
    }
    throw new TransformError(cause);
  }

  async #record<Result>(type: TransformationType, label: string, run: () => Promise<Result>): Promise<Result> {
    const { clock, metrics, resource } = this.#scope;
    const startMs = clock.monotonicMs();
    const ended = (problem?: Failure) =>
      metrics.recordTransformation(resource, type, label, statusLabel(problem), (clock.monotonicMs() - startMs) / 1000);
    try {
      const result = await run();
      ended();
      return result;
    } catch (thrown) {
      ended(failureOf(thrown));
      throw thrown;
    }
  }

  /** As {@link #record} for a read, but a failure leaves no sample. */
  async #recordSuccess(prefix: string, run: () => Promise<Plaintext>): Promise<Plaintext> {
    const { clock, metrics, resource } = this.#scope;
    const startMs = clock.monotonicMs();
    const opened = await run();
    metrics.recordTransformation(
      resource,
      "from_storage",
      readLabel(prefix),
      statusLabel(undefined),
      (clock.monotonicMs() - startMs) / 1000,
    );
    return opened;
  }
}

function beginsWith(value: Uint8Array, prefix: string): boolean {
  const expected = Buffer.from(prefix);
  return value.length >= expected.length && expected.compare(value, 0, expected.length) === 0;
}
