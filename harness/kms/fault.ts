import type { Random } from "../random.ts";
import type { KmsVersion } from "./contract.ts";
import type { TapRecord } from "./tap-record.ts";

export type TapMethod = TapRecord["method"];
export const tapMethods = ["Status", "Version", "Encrypt", "Decrypt"] as const satisfies readonly TapMethod[];

/** How long a call is held before it goes on to the plugin, milliseconds. */
export type Latency =
  | { readonly shape: "constant"; readonly ms: number }
  | { readonly shape: "uniform"; readonly fromMs: number; readonly toMs: number }
  | { readonly shape: "exponential"; readonly meanMs: number }
  /** Straight lines between the points; the first one's value below it and the last one's above. Ascending, at least one. */
  | { readonly shape: "quantiles"; readonly points: readonly { readonly fraction: number; readonly ms: number }[] };

/**
 * What is done to a call. `error` answers it in the plugin's place, `healthz` answers a Status with these words instead of `ok` and the
 * key_id that the plugin named last, `hang` never answers it, `cut` destroys the connection it came on, with every other call on it; of the
 * call that these four are for the plugin sees nothing. `limit` lets so many calls a second pass, and as many at once after a pause; what
 * is beyond gets ResourceExhausted, as a KMS answers above its quota.
 */
export type FaultAction =
  | { readonly kind: "latency"; readonly latency: Latency }
  | { readonly kind: "error"; readonly grpcCode: number; readonly message: string }
  | { readonly kind: "healthz"; readonly words: string }
  | { readonly kind: "limit"; readonly perSecond: number }
  | { readonly kind: "hang" }
  | { readonly kind: "cut" };

/** What ends a call instead of the plugin's answer. */
export type FaultEnding = Exclude<FaultAction, { kind: "latency" | "limit" }>;

/** gRPC's RESOURCE_EXHAUSTED. */
const resourceExhausted = 8;

/** What a timer of Node.js can wait, some 24 days. */
export const delayMsMax = 2 ** 31 - 1;

/** A disturbance and the calls that it is for: those that fulfil all that is given. It is plain data, so that it can go to another thread. */
export interface Fault {
  /** As it was asked for; stands in the records of the calls that it met. */
  readonly name: string;
  readonly action: FaultAction;
  readonly method?: TapMethod;
  readonly kms?: KmsVersion;
  /** Milliseconds since the tap started: from, inclusive, to, exclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** The n-th, 2n-th, … of the calls that fulfil the above. */
  readonly every?: number;
  /** From 0 to 1, drawn for each call that fulfils all of the above. */
  readonly probability?: number;
}

/** What the faults together do to one call. */
export interface FaultVerdict {
  /** Their names, with `, ` between. */
  readonly names: string;
  /** Milliseconds; several latencies add up. */
  readonly delayMs: number;
  /** How the call ends after the delay; the first fault that ends it counts. Undefined: the plugin answers. */
  readonly ending: FaultEnding | undefined;
}

/** Decides about each call in the order in which they arrive; the same seed and calls give the same verdicts. */
export class FaultPlan {
  #faults: { readonly fault: Fault; readonly random: Random; readonly bucket: TokenBucket | undefined; seen: number }[];

  constructor(faults: readonly Fault[], random: Random) {
    this.#faults = faults.map((fault, index) => ({
      fault,
      random: random.child(`${index} ${fault.name}`),
      bucket: fault.action.kind === "limit" ? new TokenBucket(fault.action.perSecond) : undefined,
      seen: 0,
    }));
  }

  /** @param atMs - milliseconds since the tap started. */
  decide(kms: KmsVersion, method: TapMethod, atMs: number): FaultVerdict | undefined {
    if (this.#faults.length === 0) return undefined;
    const names: string[] = [];
    let delayMs = 0;
    let ending: FaultVerdict["ending"];
    for (const entry of this.#faults) {
      const { fault, random } = entry;
      const { fromMs = 0, toMs = Number.POSITIVE_INFINITY, every = 1, probability = 1 } = fault;
      if ((fault.method ?? method) !== method || (fault.kms ?? kms) !== kms || atMs < fromMs || atMs >= toMs) continue;
      entry.seen++;
      if (entry.seen % every !== 0 || (probability < 1 && random.fraction() >= probability)) continue;
      const { action } = fault;
      if (action.kind === "latency") delayMs += drawLatencyMs(action.latency, random);
      // A call that an earlier fault ends is none that the KMS counts.
      else if (ending !== undefined) continue;
      else if (action.kind !== "limit") ending = action;
      else if (entry.bucket?.take(atMs) === true) continue;
      else ending = { kind: "error", grpcCode: resourceExhausted, message: `more than ${action.perSecond} calls a second` };
      names.push(fault.name);
    }
    return names.length === 0 ? undefined : { names: names.join(", "), delayMs: Math.min(delayMs, delayMsMax), ending };
  }
}

/** Lets so many calls a second pass on average, and no more than that many at once. */
class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledMs = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = this.#most;
  }

  /** True where the call may pass. */
  take(atMs: number): boolean {
    this.#tokens = Math.min(this.#most, this.#tokens + ((atMs - this.#filledMs) * this.#perSecond) / 1000);
    this.#filledMs = atMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** With less than one it would never let anything pass. */
  get #most(): number {
    return Math.max(1, this.#perSecond);
  }
}

/** One latency of the distribution, milliseconds. */
export function drawLatencyMs(latency: Latency, random: Random): number {
  switch (latency.shape) {
    case "constant":
      return latency.ms;
    case "uniform":
      return latency.fromMs + random.fraction() * (latency.toMs - latency.fromMs);
    case "exponential":
      return -Math.log(1 - random.fraction()) * latency.meanMs;
    case "quantiles":
      return quantileMs(latency.points, random.fraction());
  }
}

function quantileMs(points: readonly { readonly fraction: number; readonly ms: number }[], fraction: number): number {
  let below = { fraction: 0, ms: points[0]?.ms ?? 0 };
  for (const point of points) {
    if (fraction < point.fraction) {
      return below.ms + ((fraction - below.fraction) / (point.fraction - below.fraction)) * (point.ms - below.ms);
    }
    below = point;
  }
  return below.ms;
}
