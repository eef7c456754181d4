import type { Store, StoredValue } from "../target.ts";

/** A key was written or removed; `value` is undefined for a removal. */
export interface StoreChange {
  readonly key: string;
  readonly revision: number;
  readonly value: StoredValue | undefined;
  readonly previous: StoredValue | undefined;
}

/** What etcd is to an API server, in memory: keys in order, one revision for all of them, and watchers. It outlives the API server. */
export class MemoryStore implements Store {
  #values = new Map<string, StoredValue>();
  #sortedKeys: string[] | undefined;
  #watchers = new Set<(change: StoreChange) => void>();
  #revision = 1;

  /** The revision of the last change of any key. */
  get revision(): number {
    return this.#revision;
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredValue> {
    for (const value of this.range(prefix)) {
      signal?.throwIfAborted();
      yield value;
    }
  }

  /** Of each key it keeps the latest revision alone. */
  history(prefix: string, signal?: AbortSignal): AsyncIterable<StoredValue> {
    return this.list(prefix, signal);
  }

  async get(key: string): Promise<StoredValue | undefined> {
    return this.#values.get(key);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#remove(key);
  }

  /** One key as it stands now. */
  at(key: string): StoredValue | undefined {
    return this.#values.get(key);
  }

  /** Every key that begins with `prefix` as it stands now, in key order. */
  range(prefix: string): StoredValue[] {
    this.#sortedKeys ??= [...this.#values.keys()].sort();
    return this.#sortedKeys.flatMap((key) => (key.startsWith(prefix) ? (this.#values.get(key) ?? []) : []));
  }

  /**
   * Writes a key, or removes it where `value` is undefined, if its last change is still that of `expectedRevision` (0: there is none).
   * Returns the revision of the change; undefined when the key has changed meanwhile.
   */
  commit(key: string, expectedRevision: number, value: Uint8Array | undefined): number | undefined {
    if ((this.#values.get(key)?.modRevision ?? 0) !== expectedRevision) return undefined;
    if (value === undefined) this.#remove(key);
    else this.#set(key, value);
    return this.#revision;
  }

  /** Calls `onChange` with every change from now on, within the call that made it; disposing ends that. */
  watch(onChange: (change: StoreChange) => void): Disposable {
    this.#watchers.add(onChange);
    return { [Symbol.dispose]: () => this.#watchers.delete(onChange) };
  }

  #set(key: string, bytes: Uint8Array): void {
    const previous = this.#values.get(key);
    if (previous === undefined) this.#sortedKeys = undefined;
    const value = { key, value: Uint8Array.from(bytes), modRevision: ++this.#revision };
    this.#values.set(key, value);
    this.#tell({ key, revision: value.modRevision, value, previous });
  }

  #remove(key: string): void {
    const previous = this.#values.get(key);
    if (previous === undefined) return;
    this.#values.delete(key);
    this.#sortedKeys = undefined;
    this.#tell({ key, revision: ++this.#revision, value: undefined, previous });
  }

  #tell(change: StoreChange): void {
    for (const watcher of this.#watchers) watcher(change);
  }
}
