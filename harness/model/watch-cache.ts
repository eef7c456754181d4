/**
 * What a request to the API, and a start of the API server, does to stored values (spec encryption-at-rest 6, 7). A transform from storage
 * is a read of one stored value through its transformers, one to storage a write.
 */

/** One thing that the storage layer does, in order, for a request. */
export type StorageStep =
  /** Transform the new object to storage. */
  | "encode"
  /** Exchange the stored value if its revision is still the expected one; ends the request when it is not, see {@link afterConflict}. */
  | "commit"
  /** Read the stored value and transform it from storage. */
  | "read"
  /** The watch cache transforms the new value from storage; for a removed one the value before. */
  | "watch-event";

/** Requests whose steps do not depend on what is stored; an update is a machine of its own ({@link stepUpdate}). */
export type PlainRequest = "create" | "create-dry-run" | "get" | "get-cached" | "list" | "delete" | "delete-dry-run" | "update-dry-run";

/**
 * The steps of a request that meets no conflict (spec encryption-at-rest 6.1). Lists are served by the watch cache, as
 * ConsistentListFromCache has it since 1.31, and so are gets that accept any resourceVersion. The dry runs of update and delete read the object
 * once; that is from the source of the storage layer and was not observed.
 */
export const requestSteps: Readonly<Record<PlainRequest, readonly StorageStep[]>> = {
  create: ["encode", "commit", "watch-event"],
  "create-dry-run": [],
  get: ["read"],
  "get-cached": [],
  list: [],
  delete: ["read", "commit", "watch-event"],
  "delete-dry-run": ["read"],
  "update-dry-run": ["read"],
};

/** A create that finds the key taken reads it once to tell a deletion under way from a plain conflict (spec encryption-at-rest 6.1). */
export const afterConflict: readonly StorageStep[] = ["read"];

/** How far an update has come (spec encryption-at-rest 6.3); PUT and PATCH are alike here. */
export interface UpdateState {
  /** The object that the change is applied to is the cache's and must be compared with the store before it may be trusted. */
  isBaseCached: boolean;
  isBaseStale: boolean;
  /** The change was refused on the base of the cache, which is not yet believed. */
  isRefused: boolean;
}

export type UpdateEvent =
  /** The change was applied to the base and encoded; `unchanged` if that gives the bytes of the base. */
  | { readonly kind: "applied"; readonly unchanged: boolean }
  /** The change cannot be applied to the base: it was made for another resourceVersion, or is not valid. */
  | { readonly kind: "refused" }
  /** The stored value was read; `sameBytes` if it is what the base was decoded from. It is the base from now on. */
  | { readonly kind: "read"; readonly sameBytes: boolean; readonly stale: boolean }
  | { readonly kind: "committed"; readonly succeeded: boolean };

export type UpdateEffect =
  /** Apply the change to the base and report `applied`. */
  | "apply"
  /** Read the stored value, take it as the base, and report `read`. */
  | "read"
  /** Transform the object to storage, commit it, and report `committed`. */
  | "write"
  /** Answer with the base: nothing was written. */
  | "answer-unchanged"
  /** Answer with the refusal. */
  | "answer-refused"
  /** Answer with the new object; the watch cache gets its event. */
  | "answer-written";

/** An update that begins with the object that the watch cache holds; its first effect is `apply`. */
export function createUpdate(): UpdateState {
  return { isBaseCached: true, isBaseStale: false, isRefused: false };
}

/** Takes one event in and gives back what to do next. */
export function stepUpdate(state: UpdateState, event: UpdateEvent): UpdateEffect {
  switch (event.kind) {
    case "applied":
      if (!event.unchanged || state.isBaseStale) return "write";
      return state.isBaseCached ? "read" : "answer-unchanged";
    case "refused":
      if (!state.isBaseCached) return "answer-refused";
      state.isRefused = true;
      return "read";
    case "read":
      state.isBaseCached = false;
      state.isBaseStale = event.stale;
      if (!event.sameBytes) {
        state.isRefused = false;
        return "apply";
      }
      if (state.isRefused) return "answer-refused";
      return event.stale ? "write" : "answer-unchanged";
    case "committed":
      return event.succeeded ? "answer-written" : "read";
  }
}

/** Feature gates that change what the storage layer reads; true and false as in v1.37.2 (spec encryption-at-rest 6.4). */
export const defaultGates = { ConcurrentWatchObjectDecode: true, DetectCacheInconsistency: true, KMSv1: false } as const;

/** The value of a gate: as asked for, else as v1.37.2 has it. */
export function gate(gates: Readonly<Record<string, boolean>>, name: keyof typeof defaultGates): boolean {
  return gates[name] ?? defaultGates[name];
}

/** How many values of a resource the watch cache decodes at once when it starts. */
export function decodeConcurrency(gates: Readonly<Record<string, boolean>>): number {
  return gate(gates, "ConcurrentWatchObjectDecode") ? 10 : 1;
}

/** The first list of a resource's watch cache: every object is read, a window of them at a time (spec encryption-at-rest 7). */
export interface InitialList {
  readonly total: number;
  readonly concurrency: number;
  next: number;
  inFlight: number;
}

export type InitialListEffect = { readonly kind: "read"; readonly index: number } | { readonly kind: "ready" };

/** A first list of `total` objects, and what to begin with. */
export function startInitialList(total: number, concurrency: number): { list: InitialList; effects: InitialListEffect[] } {
  const list: InitialList = { total, concurrency, next: 0, inFlight: 0 };
  return { list, effects: fillWindow(list) };
}

/** One of the reads under way ended. */
export function stepInitialList(list: InitialList): InitialListEffect[] {
  list.inFlight--;
  return fillWindow(list);
}

function fillWindow(list: InitialList): InitialListEffect[] {
  const effects: InitialListEffect[] = [];
  while (list.next < list.total && list.inFlight < list.concurrency) {
    list.inFlight++;
    effects.push({ kind: "read", index: list.next++ });
  }
  if (list.inFlight === 0) effects.push({ kind: "ready" });
  return effects;
}

/**
 * Time until the watch cache of a resource is next compared with the store, which reads every object of it: 5 to 7.5 minutes, milliseconds;
 * undefined where the gate is off (spec encryption-at-rest 6.4).
 *
 * @param fraction - of the jitter, in [0, 1), drawn by the caller.
 */
export function consistencyCheckDelayMs(gates: Readonly<Record<string, boolean>>, fraction: number): number | undefined {
  return gate(gates, "DetectCacheInconsistency") ? 300_000 * (1 + fraction / 2) : undefined;
}
