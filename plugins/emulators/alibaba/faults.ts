import { UsageError } from "../../../harness/errors.ts";
import { delayMsMax, drawLatencyMs, type Latency } from "../../../harness/kms/fault.ts";
import { parseLatency, parseLimits, splitOutside } from "../../../harness/kms/fault-syntax.ts";
import type { Random } from "../../../harness/random.ts";
import { CloudError } from "./service.ts";

type Action =
  | { readonly kind: "latency"; readonly latency: Latency }
  | { readonly kind: "error"; readonly status: number; readonly code: string }
  | { readonly kind: "hang" }
  | { readonly kind: "reset" };

/** A disturbance of the cloud and the calls that it is for, as `kmsmark tap` has it for those of a plugin. */
export interface CloudFault extends ReturnType<typeof parseLimits> {
  readonly name: string;
  readonly product?: string;
  readonly operation?: string;
  readonly action: Action;
}

export interface CloudFaultVerdict {
  readonly delayMs: number;
  readonly ending: Exclude<Action, { kind: "latency" }> | undefined;
}

const hint =
  "Write OPERATION:ACTION[:every=N][:p=0.1][:from=60s][:to=240s], for instance 'Encrypt:latency=20ms', 'Kms/*:error=429:p=0.1' or 'Decrypt:reset:every=10'.";

/** What a status means where the fault names no code (spec alibaba-cloud 1.6). */
const codes: Readonly<Record<number, string>> = {
  403: "Forbidden.NoPermission",
  429: "Rejected.Throttling",
  500: "InternalFailure",
  503: "ServiceUnavailableTemporary",
};

/**
 * `WHOM:ACTION[:LIMIT]…`, with the tap's latencies and limits.
 * - WHOM: `Encrypt`, `Kms/Encrypt`, `Kms/*` or `*`.
 * - ACTION: `latency=…`, `error=429`, `error=400(Throttling.User)`, `hang`, `reset`.
 * @throws UsageError `bad-fault`.
 */
export function parseCloudFault(text: string): CloudFault {
  const bad = (why: string) => new UsageError("bad-fault", `The fault "${text}" cannot be understood: ${why}.`, { hint });
  const [whom, action, ...limits] = splitOutside(text, ":");
  const [, product, operation] = /^(?:([A-Za-z]+)\/)?([A-Za-z]+|\*)$/.exec(whom ?? "") ?? [];
  if (action === undefined || operation === undefined) throw bad("it needs an operation and an action");
  try {
    return {
      name: text,
      ...(product === undefined ? {} : { product }),
      ...(operation === "*" ? {} : { operation }),
      action: parseAction(text, action) ?? reject(bad(`"${action}" is none of latency=…, error=…, hang and reset`)),
      ...parseLimits(text, limits),
    };
  } catch (thrown) {
    throw thrown instanceof UsageError ? new UsageError(thrown.code, thrown.message, { hint }) : thrown;
  }
}

function reject(error: UsageError): never {
  throw error;
}

function parseAction(text: string, action: string): Action | undefined {
  if (action === "hang" || action === "reset") return { kind: action };
  if (action.startsWith("latency=")) return { kind: "latency", latency: parseLatency(text, action.slice("latency=".length)) };
  const [, status, code] = /^error=([45]\d\d)(?:\(([A-Za-z.]+)\))?$/.exec(action) ?? [];
  if (status === undefined) return undefined;
  return { kind: "error", status: Number(status), code: code ?? codes[Number(status)] ?? "InternalFailure" };
}

/** Decides about each call in the order in which they arrive. */
export class CloudFaults {
  readonly #random: Random;
  #entries: { readonly fault: CloudFault; readonly random: Random; readonly sinceMs: number; seen: number }[] = [];
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get names(): readonly string[] {
    return this.#entries.map(({ fault }) => fault.name);
  }

  /** @param atMs - now; `from` and `to` of the fault count from it. */
  add(fault: CloudFault, atMs: number): void {
    this.#entries.push({ fault, random: this.#random.child(`${this.#count++} ${fault.name}`), sinceMs: atMs, seen: 0 });
  }

  clear(): void {
    this.#entries = [];
  }

  decide(product: string, operation: string, atMs: number): CloudFaultVerdict | undefined {
    if (this.#entries.length === 0) return undefined;
    let delayMs = 0;
    let ending: CloudFaultVerdict["ending"];
    for (const entry of this.#entries) {
      const { fault, random } = entry;
      const { fromMs = 0, toMs = Number.POSITIVE_INFINITY, every = 1, probability = 1 } = fault;
      const sinceMs = atMs - entry.sinceMs;
      const isFor = (fault.product ?? product) === product && (fault.operation ?? operation) === operation;
      if (!isFor || sinceMs < fromMs || sinceMs >= toMs) continue;
      entry.seen++;
      if (entry.seen % every !== 0 || (probability < 1 && random.fraction() >= probability)) continue;
      if (fault.action.kind === "latency") delayMs += drawLatencyMs(fault.action.latency, random);
      else ending ??= fault.action;
    }
    return { delayMs: Math.min(delayMs, delayMsMax), ending };
  }
}

export function errorOf({ status, code }: Extract<Action, { kind: "error" }>): CloudError {
  return new CloudError(status, code, "The local cloud was told to answer so.");
}
