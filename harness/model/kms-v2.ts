import { createHash } from "node:crypto";
import { type CheckResult, isFresh } from "./check-cache.ts";
import { aggregate, type Failure, failure, type Outcome } from "./failure.ts";
import { type Instant, rfc3339 } from "./instant.ts";

/** Between two Status calls while all is well, milliseconds (spec encryption-at-rest 2.5). */
export const healthyPollMs = 60_000;
/** Between two Status calls while the last one failed, milliseconds. */
export const failingPollMs = 10_000;
/** A seed may write for this long after the last check that confirmed its key_id, milliseconds. */
export const writeTtlMs = 180_000;
/** An entry of the decrypt cache may be dropped this long after it was put there, milliseconds (spec encryption-at-rest 2.6). */
export const decryptCacheTtlMs = 24 * 60 * 60 * 1000;
/** The longest key_id, bytes (spec encryption-at-rest 2.2). */
const keyIdBytesMax = 1024;

/** `EncryptedDEKSourceType` of what this version writes: HKDF_SHA256_XNONCE_AES_GCM_SEED. */
const writtenSourceType = 1;

/** One KMS v2 provider of one API server (spec encryption-at-rest 2): plain data, changed in place by {@link stepKmsV2} alone. */
export interface KmsV2State {
  readonly name: string;
  /** The version that the plugin said first; empty before. */
  version: string;
  /** What writes use; undefined before the first success, and then reads fail as well. */
  active: ActiveSeed | undefined;
  lastCheck: CheckResult | undefined;
  checking: Check | undefined;
  /** Checks that wait for the one that runs. */
  readonly waitingChecks: Requester[];
  /** The loops that poll, each with its own ticks. */
  readonly polls: Map<PollName, Poll>;
  /** Identities of the DEK sources that can be opened without a call, and when each was put there; the oldest first. */
  readonly decryptCache: Map<string, number>;
}

/** The DEK seed that writes use. */
export interface ActiveSeed {
  readonly dekSource: string;
  readonly keyId: string;
  expiry: Instant;
}

/** `prime` repeats a failed first check, `steady` polls for ever, `failing` replaces `steady` until a check succeeds. */
export type PollName = "prime" | "steady" | "failing";

interface Poll {
  readonly originMs: number;
  ticks: number;
}

type Requester =
  | { readonly kind: "start" }
  | { readonly kind: "poll"; readonly poll: PollName }
  | { readonly kind: "operation"; readonly operation: number };

interface Check {
  readonly requester: Requester;
  /** Set while an Encrypt for a new seed is under way. */
  rotation: { readonly keyId: string; readonly expiry: Instant; readonly problems: Failure[] } | undefined;
}

/** What a plugin says to Status. */
export interface StatusAnswer {
  readonly version: string;
  readonly healthz: string;
  readonly keyId: string;
}

/** A read that must wait for the plugin, with the staleness that was decided when it began. */
export interface KmsV2Read {
  readonly operation: number;
  readonly dekSource: string;
  readonly stale: boolean;
}

export type KmsV2Event =
  | { readonly kind: "start" }
  | { readonly kind: "woken"; readonly poll: PollName }
  | { readonly kind: "check"; readonly operation: number }
  | { readonly kind: "status-answered"; readonly outcome: Outcome<StatusAnswer> }
  /** `uid` is the one that the Encrypt carried; an answer that breaks a limit of 2.2 is reported as a failure with the limit's text. */
  | {
      readonly kind: "encrypt-answered";
      readonly uid: string;
      readonly outcome: Outcome<{ readonly keyId: string; readonly dekSource: string }>;
    }
  | { readonly kind: "write"; readonly operation: number }
  | { readonly kind: "read"; readonly operation: number; readonly dekSource: string; readonly keyId: string; readonly sourceType: number }
  /** The value is why what was decrypted cannot be a key, its length for instance; such a key is not kept. */
  | { readonly kind: "decrypt-answered"; readonly read: KmsV2Read; readonly outcome: Outcome<Failure | undefined> };

export type KmsV2Effect =
  /** The first check is over; from now on the API server goes on starting whatever came of it. */
  | { readonly kind: "started" }
  /** Report `woken` when the clock says `atMs`. */
  | { readonly kind: "wake"; readonly poll: PollName; readonly atMs: number }
  | { readonly kind: "call-status" }
  /** Encrypt a fresh 32-byte seed and report `encrypt-answered`. */
  | { readonly kind: "call-encrypt" }
  /** Decrypt the DEK source of a read: each such call is a cache miss. */
  | { readonly kind: "call-decrypt"; readonly read: KmsV2Read }
  /** The seed of the last Encrypt is the one that writes use from now on. */
  | { readonly kind: "activate"; readonly seed: ActiveSeed }
  /** The active seed was put into the decrypt cache by a write, or the read's by its Decrypt. */
  | { readonly kind: "remember"; readonly dekSource: string }
  /** Drop the DEK source from the decrypt cache. */
  | { readonly kind: "forget"; readonly dekSource: string }
  /** The value of the operation may be sealed with the active seed. */
  | { readonly kind: "seal"; readonly operation: number; readonly seed: ActiveSeed }
  /** The value of the operation may be opened. */
  | { readonly kind: "open"; readonly operation: number; readonly dekSource: string; readonly stale: boolean }
  | { readonly kind: "fail"; readonly operation: number; readonly failure: Failure }
  | { readonly kind: "checked"; readonly operation: number; readonly failure: Failure | undefined }
  | { readonly kind: "valid-key-id"; readonly keyId: string }
  | { readonly kind: "invalid-key-id"; readonly error: "empty" | "too_long" };

/** A provider as it stands before its API server starts; the first event is `start`. */
export function createKmsV2(name: string): KmsV2State {
  return {
    name,
    version: "",
    active: undefined,
    lastCheck: undefined,
    checking: undefined,
    waitingChecks: [],
    polls: new Map(),
    decryptCache: new Map(),
  };
}

/** Takes one event in and gives back what must be done, in order. */
export function stepKmsV2(state: KmsV2State, event: KmsV2Event, now: Instant): KmsV2Effect[] {
  const effects: KmsV2Effect[] = [];
  switch (event.kind) {
    case "start":
      request(state, effects, { kind: "start" }, now);
      break;
    case "woken": {
      const poll = state.polls.get(event.poll);
      if (poll === undefined) break;
      poll.ticks++;
      request(state, effects, { kind: "poll", poll: event.poll }, now);
      break;
    }
    case "check":
      request(state, effects, { kind: "operation", operation: event.operation }, now);
      break;
    case "status-answered":
      takeStatus(state, effects, event.outcome, now);
      break;
    case "encrypt-answered":
      takeEncrypt(state, effects, event, now);
      break;
    case "write":
      write(state, effects, event.operation, now);
      break;
    case "read":
      read(state, effects, event);
      break;
    case "decrypt-answered":
      finishRead(state, effects, event, now);
  }
  return effects;
}

/** `sha256:<hex>` of a key_id as metrics and messages show it; empty for an empty one (spec encryption-at-rest 5). */
export function keyIdHash(keyId: string): string {
  return keyId === "" ? "" : `sha256:${createHash("sha256").update(keyId).digest("hex")}`;
}

function write(state: KmsV2State, effects: KmsV2Effect[], operation: number, now: Instant): void {
  const seed = state.active;
  if (seed === undefined) {
    effects.push({ kind: "fail", operation, failure: nilTransformer });
    return;
  }
  if (now.monotonicMs > seed.expiry.monotonicMs) {
    const times = `expired at ${rfc3339(seed.expiry.wallMs)} (current time is ${rfc3339(now.wallMs)})`;
    const message = `encryptedDEKSource with keyID hash "${keyIdHash(seed.keyId)}" ${times}`;
    effects.push({ kind: "fail", operation, failure: failure(message) });
    return;
  }
  remember(state, effects, seed.dekSource, now);
  effects.push({ kind: "seal", operation, seed });
}

/** Staleness: another key_id or type than what is written now; another EDEK alone is not stale (spec encryption-at-rest 2.7). */
function read(state: KmsV2State, effects: KmsV2Effect[], event: Extract<KmsV2Event, { kind: "read" }>): void {
  const { operation, dekSource } = event;
  if (state.active === undefined) {
    effects.push({ kind: "fail", operation, failure: nilTransformer });
    return;
  }
  const stale = event.keyId !== state.active.keyId || event.sourceType !== writtenSourceType;
  if (state.decryptCache.has(dekSource)) effects.push({ kind: "open", operation, dekSource, stale });
  else effects.push({ kind: "call-decrypt", read: { operation, dekSource, stale } });
}

function finishRead(
  state: KmsV2State,
  effects: KmsV2Effect[],
  event: Extract<KmsV2Event, { kind: "decrypt-answered" }>,
  now: Instant,
): void {
  const { operation, dekSource, stale } = event.read;
  if (event.outcome.ok && event.outcome.value !== undefined) {
    effects.push({ kind: "fail", operation, failure: event.outcome.value });
  } else if (event.outcome.ok) {
    remember(state, effects, dekSource, now);
    effects.push({ kind: "open", operation, dekSource, stale });
  } else {
    const cause = event.outcome.failure;
    effects.push({ kind: "fail", operation, failure: { ...cause, message: `failed to decrypt DEK, error: ${cause.message}` } });
  }
}

/** Entries are dropped only when another one is put in (spec encryption-at-rest 2.6). */
function remember(state: KmsV2State, effects: KmsV2Effect[], dekSource: string, now: Instant): void {
  state.decryptCache.delete(dekSource);
  state.decryptCache.set(dekSource, now.monotonicMs);
  effects.push({ kind: "remember", dekSource });
  for (const [oldest, insertedMs] of state.decryptCache) {
    if (now.monotonicMs - insertedMs <= decryptCacheTtlMs) break;
    state.decryptCache.delete(oldest);
    effects.push({ kind: "forget", dekSource: oldest });
  }
}

function request(state: KmsV2State, effects: KmsV2Effect[], requester: Requester, now: Instant): void {
  state.waitingChecks.push(requester);
  runChecks(state, effects, now);
}

/** Polls and health endpoints share one check at a time and its last result while that is fresh (spec encryption-at-rest 2.5). */
function runChecks(state: KmsV2State, effects: KmsV2Effect[], now: Instant): void {
  while (state.checking === undefined) {
    const requester = state.waitingChecks.shift();
    if (requester === undefined) return;
    if (isFresh(state.lastCheck, now.monotonicMs)) {
      answer(state, effects, requester, state.lastCheck.failure, now);
    } else {
      state.checking = { requester, rotation: undefined };
      effects.push({ kind: "call-status" });
    }
  }
}

function takeStatus(state: KmsV2State, effects: KmsV2Effect[], outcome: Outcome<StatusAnswer>, now: Instant): void {
  const check = state.checking;
  if (check === undefined) return;
  if (!outcome.ok) {
    const cause = outcome.failure;
    const message = `failed to perform status section of the healthz check for KMS Provider ${state.name}, error: ${cause.message}`;
    finishCheck(state, effects, check, { told: { ...cause, message }, kept: cause }, now);
    return;
  }
  const status = outcome.value;
  const problems = statusProblems(state, status);
  const invalid = invalidKeyId(status.keyId);
  if (invalid !== undefined) {
    effects.push({ kind: "invalid-key-id", error: invalid.error });
    problems.push(failure(`got invalid KMSv2 KeyID hash "${keyIdHash(status.keyId)}": ${invalid.message}`));
    finishRotationStep(state, effects, check, problems, now);
    return;
  }
  effects.push({ kind: "valid-key-id", keyId: status.keyId });
  const expiry = { monotonicMs: now.monotonicMs + writeTtlMs, wallMs: now.wallMs + writeTtlMs };
  if (state.active?.keyId === status.keyId) {
    state.active.expiry = expiry;
    finishRotationStep(state, effects, check, problems, now);
  } else {
    check.rotation = { keyId: status.keyId, expiry, problems };
    effects.push({ kind: "call-encrypt" });
  }
}

/** A plugin that is not well, or changed its version, is reported so; the rotation step runs all the same. */
function statusProblems(state: KmsV2State, status: StatusAnswer): Failure[] {
  const problems: Failure[] = [];
  if (status.healthz !== "ok") problems.push(failure(`got unexpected healthz status: ${status.healthz}`));
  if (status.version !== "v2" && status.version !== "v2beta1") {
    problems.push(failure(`expected KMSv2 API version v2, got ${status.version}`));
    return problems;
  }
  if (state.version === "") state.version = status.version;
  if (status.version !== state.version) {
    const change = `version ${state.version}, got ${status.version}`;
    problems.push(failure(`KMSv2 API version should not change after the initial status response ${change}`));
  }
  return problems;
}

function invalidKeyId(keyId: string): { error: "empty" | "too_long"; message: string } | undefined {
  const bytes = Buffer.byteLength(keyId);
  if (bytes === 0) return { error: "empty", message: "keyID is empty" };
  if (bytes <= keyIdBytesMax) return undefined;
  return { error: "too_long", message: `keyID is ${bytes} bytes, which exceeds the max size of ${keyIdBytesMax}` };
}

function takeEncrypt(
  state: KmsV2State,
  effects: KmsV2Effect[],
  event: Extract<KmsV2Event, { kind: "encrypt-answered" }>,
  now: Instant,
): void {
  const check = state.checking;
  const rotation = check?.rotation;
  if (check === undefined || rotation === undefined) return;
  const { outcome } = event;
  if (outcome.ok && outcome.value.keyId === rotation.keyId) {
    state.active = { dekSource: outcome.value.dekSource, keyId: rotation.keyId, expiry: rotation.expiry };
    effects.push({ kind: "activate", seed: state.active });
  } else {
    rotation.problems.push(failure(rotationFailure(state, rotation.keyId, event)));
  }
  finishRotationStep(state, effects, check, rotation.problems, now);
}

function rotationFailure(state: KmsV2State, statusKeyId: string, event: Extract<KmsV2Event, { kind: "encrypt-answered" }>): string {
  const { outcome, uid } = event;
  const expiry = state.active === undefined ? "0001-01-01T00:00:00Z" : rfc3339(state.active.expiry.wallMs);
  return [
    `failed to rotate DEK uid="${uid}", useSeed=true`,
    `errState=${state.active === undefined ? nilTransformer.message : "<nil>"}`,
    `errGen=${outcome.ok ? "<nil>" : outcome.failure.message}`,
    `statusKeyIDHash="${keyIdHash(statusKeyId)}"`,
    `encryptKeyIDHash="${outcome.ok ? keyIdHash(outcome.value.keyId) : ""}"`,
    `stateKeyIDHash="${keyIdHash(state.active?.keyId ?? "")}"`,
    `expirationTimestamp=${expiry}`,
  ].join(", ");
}

/** Ends a check whose Status was answered: healthy where there are no problems. */
function finishRotationStep(state: KmsV2State, effects: KmsV2Effect[], check: Check, problems: readonly Failure[], now: Instant): void {
  const cause = aggregate(problems);
  const problem = cause === undefined ? undefined : failure(`kmsv2 Provider ${state.name} is not healthy, error: ${cause.message}`);
  finishCheck(state, effects, check, { told: problem, kept: problem }, now);
}

/** @param result - what is told to the requester, and what later ones are told while it is fresh. */
function finishCheck(
  state: KmsV2State,
  effects: KmsV2Effect[],
  check: Check,
  result: { readonly told: Failure | undefined; readonly kept: Failure | undefined },
  now: Instant,
): void {
  state.lastCheck = { receivedMs: now.monotonicMs, failure: result.kept };
  state.checking = undefined;
  answer(state, effects, check.requester, result.told, now);
  runChecks(state, effects, now);
}

function answer(state: KmsV2State, effects: KmsV2Effect[], requester: Requester, problem: Failure | undefined, now: Instant): void {
  if (requester.kind === "operation") {
    effects.push({ kind: "checked", operation: requester.operation, failure: problem });
  } else if (requester.kind === "start") {
    effects.push({ kind: "started" });
    if (problem !== undefined) startPoll(state, effects, "prime", now);
    startPoll(state, effects, "steady", now);
  } else if (requester.poll === "steady") {
    if (problem === undefined) scheduleTick(state, effects, "steady", now);
    else startPoll(state, effects, "failing", now);
  } else if (problem !== undefined) {
    scheduleTick(state, effects, requester.poll, now);
  } else {
    state.polls.delete(requester.poll);
    if (requester.poll === "failing") scheduleTick(state, effects, "steady", now);
  }
}

function startPoll(state: KmsV2State, effects: KmsV2Effect[], name: PollName, now: Instant): void {
  state.polls.set(name, { originMs: now.monotonicMs, ticks: 0 });
  scheduleTick(state, effects, name, now);
}

/** Ticks stand on a grid from the poll's origin; those that passed while the loop was busy are lost, as with Go's ticker. */
function scheduleTick(state: KmsV2State, effects: KmsV2Effect[], name: PollName, now: Instant): void {
  const poll = state.polls.get(name);
  if (poll === undefined) return;
  const periodMs = name === "steady" ? healthyPollMs : failingPollMs;
  poll.ticks = Math.max(poll.ticks, Math.floor((now.monotonicMs - poll.originMs) / periodMs));
  effects.push({ kind: "wake", poll: name, atMs: poll.originMs + (poll.ticks + 1) * periodMs });
}

const nilTransformer = failure("got unexpected nil transformer");
