import type { Clock } from "../../clock.ts";
import {
  afterConflict,
  createUpdate,
  type PlainRequest,
  requestSteps,
  type StorageStep,
  stepUpdate,
  type UpdateEvent,
} from "../../model/index.ts";
import type { StoredValue } from "../target.ts";
import { ApiError, alreadyExists, corruptObject, internalError, notFound, unreadableList } from "./api-error.ts";
import type { MemoryStore } from "./memory-store.ts";
import { failureOf, type Transformer } from "./transformer.ts";
import { type CachedObject, WatchCache } from "./watch-cache.ts";

/** How objects of a resource become bytes; the revision is not among them. */
export interface Codec<Value> {
  encode(value: Value): Uint8Array;
  /** Fails with an EnvelopeError on bytes that are no such object. */
  decode(bytes: Uint8Array): Value;
}

/** An object with the revision of its last change, its resourceVersion. */
export interface Versioned<Value> {
  readonly value: Value;
  readonly revision: number;
}

/** What a {@link ResourceStorage} is made of. */
export interface ResourceStorageParts<Value> {
  readonly resource: string;
  /** `/registry`. */
  readonly etcdPrefix: string;
  readonly store: MemoryStore;
  readonly codec: Codec<Value>;
  readonly transformer: Transformer;
  /** Values that the watch cache reads at once. */
  readonly decodeConcurrency: number;
  readonly clock: Clock;
  /** As without a watch cache. */
  readonly isListedFromStore: boolean;
}

/** An object as the store has it, or the cache, when a change is applied to it. */
interface Base<Value> extends Versioned<Value> {
  readonly data: Uint8Array;
  readonly stale: boolean;
}

/**
 * Objects of one resource between the API and the store: transformed on the way, with the reads and writes that kube-apiserver makes for each
 * request (spec encryption-at-rest 6). A path is what follows the resource in the key: `<namespace>/<name>` or `<name>`.
 */
export class ResourceStorage<Value> implements Disposable {
  readonly resource: string;
  readonly cache: WatchCache<Value>;
  readonly #parts: ResourceStorageParts<Value>;

  constructor(parts: ResourceStorageParts<Value>) {
    this.#parts = parts;
    this.resource = parts.resource;
    this.cache = new WatchCache({
      store: parts.store,
      prefix: this.#key(""),
      concurrency: parts.decodeConcurrency,
      clock: parts.clock,
      transform: ({ key, value }) => parts.transformer.read(value, Buffer.from(key)),
      decode: (plaintext) => parts.codec.decode(plaintext),
    });
  }

  /** @throws ApiError AlreadyExists, or InternalError where the object cannot be transformed. */
  async create(path: string, name: string, value: Value): Promise<Versioned<Value>> {
    let encoded: Uint8Array = new Uint8Array(0);
    let revision: number | undefined;
    await this.#follow(requestSteps.create, {
      encode: async () => {
        encoded = await this.#transform(path, value);
      },
      commit: async () => {
        revision = this.#parts.store.commit(this.#key(path), 0, encoded);
        return revision !== undefined;
      },
      conflict: async () => {
        for (const _ of afterConflict) await this.get(path, name);
        throw alreadyExists(this.#parts.resource, name);
      },
    });
    return { value, revision: revision ?? 0 };
  }

  /** Reads from the store. @throws ApiError NotFound, or InternalError where the object cannot be transformed. */
  async get(path: string, name: string): Promise<Versioned<Value>> {
    return this.#read(path, this.#stored(path, name));
  }

  /** Reads what the cache has, which may be old. @throws ApiError NotFound. */
  getCached(path: string, name: string): Versioned<Value> {
    const cached = this.cache.get(this.#key(path));
    if (cached === undefined) throw notFound(this.#parts.resource, name);
    return cached;
  }

  /**
   * The objects under a path, in key order, from the cache, and the revision of the list. From the store where it is told to, and where the
   * cache is broken and old objects will not do, for which kube-apiserver waits 3 s first. @throws ApiError where one of them cannot be read.
   */
  async list(
    path: string,
    options: { readonly allowOld: boolean },
  ): Promise<{ readonly objects: readonly CachedObject<Value>[]; readonly revision: number }> {
    if (!options.allowOld) await this.cache.caughtUp();
    const { revision } = this.#parts.store;
    const isBroken = !options.allowOld && this.cache.wasReady && !this.cache.isHealthy;
    const objects = isBroken || this.#parts.isListedFromStore ? await this.#listStored(path) : this.cached(path);
    return { objects, revision };
  }

  /** What the cache has under a path, in key order, old or not. @throws ApiError if it never was ready. */
  cached(path: string): CachedObject<Value>[] {
    return this.cache.list().filter(({ key }) => this.isUnder(path, key));
  }

  /** True if a key of the store lies under a path. */
  isUnder(path: string, key: string): boolean {
    return key.startsWith(this.#key(path));
  }

  /**
   * Applies a change, as PUT and PATCH do.
   *
   * @param apply - the new object for an existing one; throws an ApiError where the change is refused.
   * @throws ApiError NotFound, what `apply` throws, or InternalError where the object cannot be transformed.
   */
  async update(path: string, name: string, apply: (base: Versioned<Value>) => Value): Promise<Versioned<Value>> {
    const { codec, store } = this.#parts;
    const state = createUpdate();
    const cached = this.#cachedBase(path);
    let base = cached ?? (await this.#readBase(path, name));
    state.isBaseCached = cached !== undefined;
    state.isBaseStale = base.stale;
    let [changed, data, refusal]: [Value, Uint8Array, ApiError | undefined] = [base.value, base.data, undefined];
    let revision = base.revision;

    const applyChange = (): UpdateEvent => {
      try {
        changed = apply(base);
      } catch (thrown) {
        refusal = asApiError(thrown);
        return { kind: "refused" };
      }
      data = codec.encode(changed);
      return { kind: "applied", unchanged: Buffer.compare(data, base.data) === 0 };
    };
    const read = async (): Promise<UpdateEvent> => {
      const before = base;
      base = await this.#readBase(path, name);
      const sameBytes = state.isRefused ? base.revision === before.revision : Buffer.compare(base.data, before.data) === 0;
      return { kind: "read", sameBytes, stale: base.stale };
    };
    const write = async (): Promise<UpdateEvent> => {
      const encoded = await this.#transform(path, changed);
      const committed = store.commit(this.#key(path), base.revision, encoded);
      revision = committed ?? revision;
      return { kind: "committed", succeeded: committed !== undefined };
    };

    for (let event = applyChange(); ; ) {
      switch (stepUpdate(state, event)) {
        case "apply":
          event = applyChange();
          break;
        case "read":
          event = await read();
          break;
        case "write":
          event = await write();
          break;
        case "answer-unchanged":
          return { value: base.value, revision: base.revision };
        case "answer-refused":
          throw refusal;
        case "answer-written":
          await this.cache.caughtUp();
          return { value: changed, revision };
      }
    }
  }

  /**
   * Removes an object.
   *
   * @param check - throws an ApiError where the object must not be removed.
   * @throws ApiError NotFound, what `check` throws, or InternalError where the object cannot be transformed.
   */
  async delete(path: string, name: string, check: (existing: Versioned<Value>) => void): Promise<Versioned<Value>> {
    let existing: Versioned<Value> | undefined;
    await this.#follow(requestSteps.delete, {
      read: async () => {
        existing = await this.get(path, name);
        check(existing);
      },
      commit: async () => this.#parts.store.commit(this.#key(path), existing?.revision ?? 0, undefined) !== undefined,
      conflict: async () => {
        existing = await this.delete(path, name, check);
      },
    });
    if (existing === undefined) throw notFound(this.#parts.resource, name);
    return existing;
  }

  /** True if the store has the object; nothing is read for it. */
  has(path: string): boolean {
    return this.#parts.store.at(this.#key(path)) !== undefined;
  }

  /** Removes an object that cannot be read, without reading it. @throws ApiError NotFound. */
  removeUnread(path: string, name: string): void {
    const stored = this.#stored(path, name);
    this.#parts.store.commit(stored.key, stored.modRevision, undefined);
  }

  /** Makes the reads of a dry run, which writes nothing. @throws ApiError as the request itself. */
  async dryRun(request: Extract<PlainRequest, `${string}-dry-run`>, path: string, name: string): Promise<Versioned<Value> | undefined> {
    let existing: Versioned<Value> | undefined;
    await this.#follow(requestSteps[request], {
      read: async () => {
        existing = await this.get(path, name);
      },
    });
    return existing;
  }

  [Symbol.dispose](): void {
    this.cache[Symbol.dispose]();
  }

  /** Takes the model's steps one after the other; a commit that fails goes to `conflict`, which ends the request. */
  async #follow(
    steps: readonly StorageStep[],
    actions: { encode?: () => Promise<void>; read?: () => Promise<void>; commit?: () => Promise<boolean>; conflict?: () => Promise<void> },
  ): Promise<void> {
    for (const step of steps) {
      if (step === "watch-event") await this.cache.caughtUp();
      else if (step !== "commit") await actions[step]?.();
      else if ((await actions.commit?.()) === false) return actions.conflict?.();
    }
  }

  #cachedBase(path: string): Base<Value> | undefined {
    const cached = this.cache.get(this.#key(path));
    return cached === undefined ? undefined : { ...cached, data: this.#parts.codec.encode(cached.value), stale: false };
  }

  async #readBase(path: string, name: string): Promise<Base<Value>> {
    return this.#read(path, this.#stored(path, name));
  }

  async #listStored(path: string): Promise<CachedObject<Value>[]> {
    const { transformer, codec, resource, store } = this.#parts;
    const objects: CachedObject<Value>[] = [];
    for (const { key, value, modRevision } of store.range(this.#key(path))) {
      try {
        const { plaintext } = await transformer.read(value, Buffer.from(key));
        objects.push({ key, value: codec.decode(plaintext), revision: modRevision });
      } catch (thrown) {
        throw unreadableList(resource, key, failureOf(thrown));
      }
    }
    return objects;
  }

  async #read(path: string, stored: StoredValue): Promise<Base<Value>> {
    const { transformer, codec, resource } = this.#parts;
    try {
      const { plaintext, stale } = await transformer.read(stored.value, Buffer.from(stored.key));
      return { value: codec.decode(plaintext), revision: stored.modRevision, data: plaintext, stale };
    } catch (thrown) {
      throw corruptObject(`/${resource}/${path}`, failureOf(thrown));
    }
  }

  async #transform(path: string, value: Value): Promise<Uint8Array> {
    const { transformer, codec } = this.#parts;
    const data = codec.encode(value);
    try {
      return await transformer.write(data, Buffer.from(this.#key(path)));
    } catch (thrown) {
      throw internalError(failureOf(thrown).message);
    }
  }

  /** What lies in the store now. @throws ApiError NotFound. */
  #stored(path: string, name: string): StoredValue {
    const key = this.#key(path);
    const stored = this.#parts.store.at(key);
    if (stored === undefined) throw notFound(this.#parts.resource, name);
    return stored;
  }

  #key(path: string): string {
    return `${this.#parts.etcdPrefix}/${this.#parts.resource}/${path}`;
  }
}

function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  throw thrown;
}
