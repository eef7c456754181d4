import { type CheckResult, isFresh } from "./check-cache.ts";
import { type Failure, failure, type Outcome } from "./failure.ts";
import type { Instant } from "./instant.ts";

/** kube-apiserver's `cachesize` where the configuration names none (spec encryption-at-rest 1.3). */
export const defaultCacheSize = 1000;

/** One KMS v1 provider of one API server (spec encryption-at-rest 1): plain data, changed in place by {@link stepKmsV1} alone. */
export interface KmsV1State {
  readonly name: string;
  /** DEKs that the cache holds at most; negative where there is no cache. */
  readonly cacheSize: number;
  /** The deadline of a call with the handshake that it triggers, milliseconds. */
  readonly timeoutMs: number;
  handshake: "none" | "running" | "done";
  /** Calls that wait for the handshake of another one. */
  readonly waiting: KmsV1Call[];
  /** Identities of the EDEKs whose DEK is cached, the least recently used first. */
  readonly cache: Set<string>;
  lastCheck: CheckResult | undefined;
  isChecking: boolean;
  /** Health checks that wait for the one that runs. */
  readonly waitingChecks: number[];
}

/** An Encrypt or Decrypt for an operation of the caller, or for a health check of his; both go by a number that he chose. */
export type KmsV1Call =
  | { readonly method: "Encrypt"; readonly purpose: "work" | "probe"; readonly operation: number; readonly deadlineMs: number }
  | { readonly method: "Decrypt"; readonly purpose: "probe"; readonly operation: number; readonly deadlineMs: number }
  | {
      readonly method: "Decrypt";
      readonly purpose: "work";
      readonly operation: number;
      readonly deadlineMs: number;
      readonly dekSource: string;
      /** False where there is no cache that could have had it. */
      readonly isCacheMiss: boolean;
    };

export type KmsV1Event =
  | { readonly kind: "write"; readonly operation: number }
  | { readonly kind: "read"; readonly operation: number; readonly dekSource: string }
  | { readonly kind: "check"; readonly operation: number }
  /** The value is the version that the plugin says. */
  | { readonly kind: "version-answered"; readonly call: KmsV1Call; readonly outcome: Outcome<string> }
  /** The value is the identity of the EDEK that an Encrypt gave; a Decrypt's value is not looked at. */
  | { readonly kind: "answered"; readonly call: KmsV1Call; readonly outcome: Outcome<string> };

export type KmsV1Effect =
  /** Call Version on behalf of `call` and report `version-answered`. */
  | { readonly kind: "ask-version"; readonly call: KmsV1Call }
  /** Make the call and report `answered`. An Encrypt for work takes a fresh DEK, one for a probe the word "ping". */
  | { readonly kind: "call"; readonly call: KmsV1Call }
  /** Keep the DEK of the operation in the cache. */
  | { readonly kind: "remember"; readonly operation: number; readonly dekSource: string }
  /** Drop the DEK from the cache. */
  | { readonly kind: "forget"; readonly dekSource: string }
  /** The value of the operation may be sealed with its DEK. */
  | { readonly kind: "seal"; readonly operation: number; readonly dekSource: string }
  /** The value of the operation may be opened. */
  | { readonly kind: "open"; readonly operation: number; readonly dekSource: string }
  | { readonly kind: "fail"; readonly operation: number; readonly failure: Failure }
  | { readonly kind: "checked"; readonly operation: number; readonly failure: Failure | undefined };

/** A provider as it stands when its API server starts: it has called nobody yet. */
export function createKmsV1(configuration: { readonly name: string; readonly cacheSize?: number; readonly timeoutMs: number }): KmsV1State {
  return {
    name: configuration.name,
    cacheSize: configuration.cacheSize ?? defaultCacheSize,
    timeoutMs: configuration.timeoutMs,
    handshake: "none",
    waiting: [],
    cache: new Set(),
    lastCheck: undefined,
    isChecking: false,
    waitingChecks: [],
  };
}

/** Takes one event in and gives back what must be done, in order. */
export function stepKmsV1(state: KmsV1State, event: KmsV1Event, now: Instant): KmsV1Effect[] {
  const effects: KmsV1Effect[] = [];
  const deadlineMs = now.monotonicMs + state.timeoutMs;
  switch (event.kind) {
    case "write":
      submit(state, effects, { method: "Encrypt", purpose: "work", operation: event.operation, deadlineMs });
      break;
    case "read":
      if (state.cache.delete(event.dekSource)) {
        state.cache.add(event.dekSource);
        effects.push({ kind: "open", operation: event.operation, dekSource: event.dekSource });
      } else {
        const { operation, dekSource } = event;
        submit(state, effects, { method: "Decrypt", purpose: "work", operation, dekSource, isCacheMiss: state.cacheSize > 0, deadlineMs });
      }
      break;
    case "check":
      state.waitingChecks.push(event.operation);
      runChecks(state, effects, now);
      break;
    case "version-answered":
      finishHandshake(state, effects, event.call, event.outcome, now);
      break;
    case "answered":
      finishCall(state, effects, event.call, event.outcome, now);
  }
  return effects;
}

/** The first call of a client asks for the version before it goes out; others queue behind it (spec encryption-at-rest 1.1). */
function submit(state: KmsV1State, effects: KmsV1Effect[], call: KmsV1Call): void {
  if (state.handshake === "done") {
    effects.push({ kind: "call", call });
  } else if (state.handshake === "running") {
    state.waiting.push(call);
  } else {
    state.handshake = "running";
    effects.push({ kind: "ask-version", call });
  }
}

function finishHandshake(state: KmsV1State, effects: KmsV1Effect[], call: KmsV1Call, outcome: Outcome<string>, now: Instant): void {
  const problem = handshakeProblem(outcome);
  const waiting = state.waiting.splice(0);
  if (problem === undefined) {
    state.handshake = "done";
    effects.push({ kind: "call", call });
  } else {
    state.handshake = "none";
  }
  for (const queued of waiting) submit(state, effects, queued);
  if (problem !== undefined) finishCall(state, effects, call, { ok: false, failure: problem }, now);
}

function handshakeProblem(outcome: Outcome<string>): Failure | undefined {
  if (!outcome.ok) return failure(`failed get version from remote KMS provider: ${outcome.failure.message}`);
  if (outcome.value === "v1beta1") return undefined;
  return failure(`KMS provider api version ${outcome.value} is not supported, only v1beta1 is supported now`);
}

function finishCall(state: KmsV1State, effects: KmsV1Effect[], call: KmsV1Call, outcome: Outcome<string>, now: Instant): void {
  if (call.purpose === "probe") {
    finishProbeCall(state, effects, call, outcome, now);
  } else if (!outcome.ok) {
    effects.push({ kind: "fail", operation: call.operation, failure: outcome.failure });
  } else {
    const dekSource = call.method === "Encrypt" ? outcome.value : call.dekSource;
    remember(state, effects, call.operation, dekSource);
    effects.push({ kind: call.method === "Encrypt" ? "seal" : "open", operation: call.operation, dekSource });
  }
}

/** Written and read DEKs go into the same cache, which drops the least recently used one (spec encryption-at-rest 1.3). */
function remember(state: KmsV1State, effects: KmsV1Effect[], operation: number, dekSource: string): void {
  if (state.cacheSize < 0) return;
  state.cache.delete(dekSource);
  state.cache.add(dekSource);
  effects.push({ kind: "remember", operation, dekSource });
  for (const oldest of state.cache) {
    if (state.cache.size <= state.cacheSize) break;
    state.cache.delete(oldest);
    effects.push({ kind: "forget", dekSource: oldest });
  }
}

/** Answers the checks that wait, one after the other: from the last result while it is fresh, else by asking the plugin. */
function runChecks(state: KmsV1State, effects: KmsV1Effect[], now: Instant): void {
  while (!state.isChecking) {
    const operation = state.waitingChecks.shift();
    if (operation === undefined) return;
    if (isFresh(state.lastCheck, now.monotonicMs)) {
      effects.push({ kind: "checked", operation, failure: state.lastCheck.failure });
    } else {
      state.isChecking = true;
      submit(state, effects, { method: "Encrypt", purpose: "probe", operation, deadlineMs: now.monotonicMs + state.timeoutMs });
    }
  }
}

/** A fresh failure names the provider; while it is cached, only the cause is told (spec encryption-at-rest 1.5). */
function finishProbeCall(state: KmsV1State, effects: KmsV1Effect[], call: KmsV1Call, outcome: Outcome<string>, now: Instant): void {
  const { method, operation } = call;
  if (outcome.ok && method === "Encrypt") {
    submit(state, effects, { method: "Decrypt", purpose: "probe", operation, deadlineMs: now.monotonicMs + state.timeoutMs });
    return;
  }
  const cause = outcome.ok ? undefined : outcome.failure;
  state.lastCheck = { receivedMs: now.monotonicMs, failure: cause };
  state.isChecking = false;
  const section = `failed to perform ${method.toLowerCase()} section of the healthz check for KMS Provider ${state.name}, error: `;
  effects.push({
    kind: "checked",
    operation,
    failure: cause === undefined ? undefined : { ...cause, message: section + cause.message },
  });
  runChecks(state, effects, now);
}
