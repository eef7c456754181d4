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
 * What is done to a call. `error` answers it in the plugin's place, `hang` never answers it, `cut` destroys the connection it came on,
 * with every other call on it; of the call that these three are for the plugin sees nothing.
 */
export type FaultAction =
  | { readonly kind: "latency"; readonly latency: Latency }
  | { readonly kind: "error"; readonly grpcCode: number; readonly message: string }
  | { readonly kind: "hang" }
  | { readonly kind: "cut" };

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
  readonly ending: Exclude<FaultAction, { kind: "latency" }> | undefined;
}

/** Decides about each call in the order in which they arrive; the same seed and calls give the same verdicts. */
export class FaultPlan {
  #faults: { readonly fault: Fault; readonly random: Random; seen: number }[];

  constructor(faults: readonly Fault[], random: Random) {
    this.#faults = faults.map((fault, index) => ({ fault, random: random.child(`${index} ${fault.name}`), seen: 0 }));
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
      if (fault.action.kind === "latency") delayMs += drawLatencyMs(fault.action.latency, random);
      else if (ending === undefined) ending = fault.action;
      else continue;
      names.push(fault.name);
    }
    return names.length === 0 ? undefined : { names: names.join(", "), delayMs: Math.min(delayMs, delayMsMax), ending };
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
