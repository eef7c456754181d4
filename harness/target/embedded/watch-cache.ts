import type { Clock, Timer } from "../../clock.ts";
import { type InitialListEffect, startInitialList, stepInitialList } from "../../model/index.ts";
import type { StoredValue } from "../target.ts";
import { storageInitializing } from "./api-error.ts";
import type { MemoryStore, StoreChange } from "./memory-store.ts";
import { failureOf, type Plaintext } from "./transformer.ts";

/** An object as the cache holds it. */
export interface CachedObject<Value> {
  readonly key: string;
  readonly value: Value;
  readonly revision: number;
}

/** A change of an object as a watcher is told of it; of a removed one the object before. */
export interface CacheEvent<Value> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: CachedObject<Value>;
}

/** Who is told of every change that the cache takes in, until it breaks. */
export interface CacheWatcher<Value> {
  onEvent(event: CacheEvent<Value>): void;
  onBreak(): void;
}

/** A broken cache reads everything anew after this long, milliseconds; kube-apiserver backs off, and was seen to need 3 s (spec 6.2). */
const retryMs = 1000;

/** What a {@link WatchCache} is made of. */
export interface WatchCacheParts<Value> {
  readonly store: MemoryStore;
  /** Every key that it follows begins so. */
  readonly prefix: string;
  /** Values that are read at once. */
  readonly concurrency: number;
  readonly clock: Clock;
  /** Fails with a TransformError for a value that cannot be transformed. */
  transform(stored: StoredValue): Promise<Plaintext>;
  decode(plaintext: Uint8Array): Value;
}

/**
 * The objects of one resource in memory, as the store's changes arrive (spec encryption-at-rest 6): one first list of all of them, then one read
 * a change. A single value that cannot be read breaks it until a later list succeeds.
 */
export class WatchCache<Value> implements Disposable {
  readonly #parts: WatchCacheParts<Value>;
  readonly #watch: Disposable;
  #objects = new Map<string, CachedObject<Value>>();
  #sorted: readonly CachedObject<Value>[] | undefined;
  #changes: StoreChange[] = [];
  /** Changes are kept from the moment that a list begins. */
  #isFollowing = false;
  #isSettling = false;
  /** The last revision of the changes that are being read; 0 where none are. */
  #inHand = 0;
  readonly #watchers = new Set<CacheWatcher<Value>>();
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  #isHealthy = false;
  #wasReady = false;
  #retry: Timer | undefined;
  #isDisposed = false;

  constructor(parts: WatchCacheParts<Value>) {
    this.#parts = parts;
    this.#watch = parts.store.watch((change) => {
      if (!this.#isFollowing || !change.key.startsWith(parts.prefix)) return;
      this.#changes.push(change);
      this.#startSettling();
    });
  }

  /** True once everything was read for the first time, also while the cache is broken later. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** False until everything was read, and again as long as something cannot be read. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Reads everything; where that fails it is tried again until it succeeds or the cache is disposed of. Resolves after the first attempt. */
  async initialize(): Promise<void> {
    if (this.#isDisposed) return;
    const { store, prefix } = this.#parts;
    this.#changes = [];
    this.#isFollowing = true;
    const objects = await this.#readAll(store.range(prefix));
    if (this.#isDisposed) return;
    if (objects === undefined) {
      this.#break();
      return;
    }
    this.#objects = objects;
    this.#sorted = undefined;
    this.#isHealthy = true;
    this.#wasReady = true;
    this.#startSettling();
  }

  /** Resolves when every change that was made until now has been taken in, or the cache is broken. */
  async caughtUp(): Promise<void> {
    const revision = this.#changes.at(-1)?.revision ?? this.#inHand;
    if (!this.isHealthy || revision === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ revision, resolve });
    await promise;
  }

  get(key: string): CachedObject<Value> | undefined {
    return this.#objects.get(key);
  }

  /** The objects in key order; old ones while the cache is broken. @throws ApiError if it never was ready. */
  list(): readonly CachedObject<Value>[] {
    if (!this.#wasReady) throw storageInitializing();
    this.#sorted ??= [...this.#objects.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return this.#sorted;
  }

  /** Tells of every change from now on; disposing ends that. */
  follow(watcher: CacheWatcher<Value>): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => this.#watchers.delete(watcher) };
  }

  /** Reads everything from the store once more; true if that is what the cache has. */
  async isConsistent(): Promise<boolean> {
    await this.caughtUp();
    const cached = this.#objects;
    const objects = await this.#readAll(this.#parts.store.range(this.#parts.prefix));
    return objects !== undefined && [...objects].every(([key, { revision }]) => (cached.get(key)?.revision ?? revision) >= revision);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#watch[Symbol.dispose]();
    this.#retry?.[Symbol.dispose]();
  }

  /** Reads the values in the model's windows; undefined as soon as one cannot be read. */
  async #readAll(values: readonly StoredValue[]): Promise<Map<string, CachedObject<Value>> | undefined> {
    const objects = new Map<string, CachedObject<Value>>();
    const { list, effects } = startInitialList(values.length, this.#parts.concurrency);
    let isReadable = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const take = (next: readonly InitialListEffect[]) => {
      for (const effect of next) {
        if (effect.kind === "ready") resolve();
        else void read(effect.index);
      }
    };
    const read = async (index: number) => {
      const stored = values[index];
      if (stored !== undefined && isReadable && !this.#isDisposed) {
        const object = await this.#read(stored);
        if (object === undefined) isReadable = false;
        else objects.set(stored.key, object);
      }
      take(stepInitialList(list));
    };
    take(effects);
    await promise;
    return isReadable ? objects : undefined;
  }

  #startSettling(): void {
    if (this.#isSettling || !this.isHealthy) return;
    this.#isSettling = true;
    void this.#settle();
  }

  /** Takes the changes in, in order, reading some of them at once. */
  async #settle(): Promise<void> {
    while (this.#changes.length > 0) {
      const batch = this.#changes.splice(0, this.#parts.concurrency);
      this.#inHand = batch.at(-1)?.revision ?? 0;
      const results = await Promise.all(batch.map((change) => this.#readChange(change)));
      for (const [index, change] of batch.entries()) {
        const object = results[index];
        if (object === undefined) this.#break();
        else if (change.value === undefined) this.#remove(change);
        else this.#set(object);
      }
      this.#sorted = undefined;
      const done = this.#inHand;
      this.#inHand = 0;
      this.#release(done);
    }
    this.#isSettling = false;
  }

  #set(object: CachedObject<Value>): void {
    const type = this.#objects.has(object.key) ? "MODIFIED" : "ADDED";
    this.#objects.set(object.key, object);
    for (const watcher of this.#watchers) watcher.onEvent({ type, object });
  }

  #remove({ key, revision }: StoreChange): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    for (const watcher of this.#watchers) watcher.onEvent({ type: "DELETED", object: { ...before, revision } });
  }

  #release(revision: number): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((waiter) => waiter.revision > revision);
    for (const waiter of waiting) if (waiter.revision <= revision) waiter.resolve();
  }

  /** A removal is told with the value before, which is read for it. */
  #readChange({ value, previous }: StoreChange): Promise<CachedObject<Value> | undefined> {
    const stored = value ?? previous;
    if (stored === undefined) throw new TypeError("What is removed was there before.");
    return this.#read(stored);
  }

  #break(): void {
    if (this.#isFollowing === false) return;
    this.#isHealthy = false;
    this.#isFollowing = false;
    this.#changes = [];
    this.#release(Number.POSITIVE_INFINITY);
    for (const watcher of this.#watchers) watcher.onBreak();
    if (!this.#isDisposed) this.#retry = this.#parts.clock.startTimer(retryMs, () => void this.initialize());
  }

  /** Undefined where it cannot be read. */
  async #read(stored: StoredValue): Promise<CachedObject<Value> | undefined> {
    try {
      const { plaintext } = await this.#parts.transform(stored);
      return { key: stored.key, value: this.#parts.decode(plaintext), revision: stored.modRevision };
    } catch (thrown) {
      // Throws on what is no fault of the value.
      failureOf(thrown);
      return undefined;
    }
  }
}
