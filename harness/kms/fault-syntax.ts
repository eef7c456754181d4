import { UsageError } from "../errors.ts";
import { grpcCodeNames, kmsVersions } from "./contract.ts";
import { delayMsMax, type Fault, type FaultAction, type Latency, tapMethods } from "./fault.ts";

const hint =
  "Write METHOD:ACTION[:every=N][:p=0.1][:from=60s][:to=240s], for instance 'Encrypt:latency=40ms', 'v2/Status:error=Unavailable' or 'Decrypt:hang:every=10'.";

/**
 * A fault as it stands on the command line, `WHOM:ACTION[:LIMIT]…`.
 * - WHOM: `Encrypt`, `v1/Encrypt`, `v2/*` or `*`.
 * - ACTION: `latency=40ms`, `latency=10ms..30ms` (uniform), `latency=exp(20ms)`, `latency=quantiles(p50=10ms,p99=80ms)`,
 *   `error=Unavailable`, `error=ResourceExhausted(quota used up)`, `limit=50/s`, `healthz=the KMS is gone`, `hang`, `cut`.
 * - LIMIT: `every=10`, `p=0.05`, `from=60s`, `to=240s`; times count from the tap's start.
 * @throws UsageError `bad-fault`.
 */
export function parseFault(text: string): Fault {
  const [whom, action, ...limits] = splitOutside(text, ":");
  if (whom === undefined || action === undefined) throw badFault(text, "it needs a method and an action");
  const fault = { name: text, ...parseWhom(text, whom), action: parseAction(text, action), ...parseLimits(text, limits) };
  if (fault.action.kind === "healthz" && fault.method !== "Status") throw badFault(text, "only Status has a healthz");
  if (fault.fromMs !== undefined && fault.toMs !== undefined && fault.fromMs >= fault.toMs) {
    throw badFault(text, "it ends before it begins");
  }
  return fault;
}

function parseWhom(text: string, whom: string): Pick<Fault, "method" | "kms"> {
  const [kmsName, methodName] = whom.includes("/") ? whom.split("/", 2) : [undefined, whom];
  const kms = kmsVersions.find((each) => each === kmsName);
  const method = tapMethods.find((each) => each === methodName);
  if (kmsName !== undefined && kms === undefined) throw badFault(text, `"${kmsName}" is neither v1 nor v2`);
  if (methodName !== "*" && method === undefined) {
    throw badFault(text, `"${methodName}" is none of ${tapMethods.join(", ")} and *`);
  }
  if ((kms === "v1" && method === "Status") || (kms === "v2" && method === "Version")) {
    throw badFault(text, `KMS ${kms} has no ${method}`);
  }
  return { ...(kms === undefined ? {} : { kms }), ...(method === undefined ? {} : { method }) };
}

function parseAction(text: string, action: string): FaultAction {
  const [kind, value] = splitOnce(action, "=");
  if (kind === "latency" && value !== undefined) return { kind, latency: parseLatency(text, value) };
  if (kind === "error" && value !== undefined) return parseError(text, value);
  if (kind === "limit" && value !== undefined) return { kind, perSecond: parsePerSecond(text, value) };
  if (kind === "healthz" && value !== undefined && value.trim() !== "" && value !== "ok") return { kind, words: value };
  if ((kind === "hang" || kind === "cut") && value === undefined) return { kind };
  throw badFault(text, `"${action}" is none of latency=…, error=…, limit=…/s, healthz=…, hang and cut`);
}

function parseError(text: string, value: string): FaultAction {
  const [, name = value, message = "fault injected by the tap"] = /^(\w+)\((.*)\)$/s.exec(value) ?? [];
  const grpcCode = grpcCodeNames.findIndex((each) => each.toLowerCase() === name.toLowerCase());
  if (grpcCode < 1) throw badFault(text, `"${name}" is no gRPC status that a failing call can have`);
  return { kind: "error", grpcCode, message };
}

/** More calls than a tap passes in a second are no limit. */
const perSecondMax = 1_000_000;

function parsePerSecond(text: string, value: string): number {
  const perSecond = Number(/^(\d+(?:\.\d+)?)\/s$/.exec(value)?.[1]);
  if (perSecond > 0 && perSecond <= perSecondMax) return perSecond;
  throw badFault(text, `"${value}" is no number of calls a second like 50/s`);
}

export function parseLatency(text: string, value: string): Latency {
  const [, shape, inside = ""] = /^(\w+)\((.*)\)$/.exec(value) ?? [];
  if (shape === "exp") return { shape: "exponential", meanMs: parseDurationMs(text, inside) };
  if (shape === "quantiles") return { shape, points: parseQuantiles(text, inside) };
  const [from = "", to] = value.split("..", 2);
  const fromMs = parseDurationMs(text, from);
  if (to === undefined) return { shape: "constant", ms: fromMs };
  const toMs = parseDurationMs(text, to);
  if (toMs < fromMs) throw badFault(text, `${from} is longer than ${to}`);
  return { shape: "uniform", fromMs, toMs };
}

function parseQuantiles(text: string, inside: string): { fraction: number; ms: number }[] {
  const points = inside.split(",").map((part) => {
    const [, percent, duration = ""] = /^\s*p(\d+(?:\.\d+)?)=(.*)$/.exec(part) ?? [];
    if (percent === undefined || Number(percent) > 100) throw badFault(text, `"${part}" is no quantile like p99=80ms`);
    return { fraction: Number(percent) / 100, ms: parseDurationMs(text, duration.trim()) };
  });
  const descends = points.some(({ fraction, ms }, index) => {
    const before = points[index - 1];
    return before !== undefined && (before.fraction >= fraction || before.ms > ms);
  });
  if (descends) throw badFault(text, "its quantiles do not ascend");
  return points;
}

export function parseLimits(text: string, limits: readonly string[]): Pick<Fault, "every" | "probability" | "fromMs" | "toMs"> {
  const parsed: { every?: number; probability?: number; fromMs?: number; toMs?: number } = {};
  for (const limit of limits) {
    const [name, value = ""] = splitOnce(limit, "=");
    switch (name) {
      case "every":
        if (!/^[1-9]\d{0,8}$/.test(value)) throw badFault(text, `"${limit}" needs a whole number from 1`);
        parsed.every = Number(value);
        break;
      case "p":
        if (!/^(0?\.\d+|1(\.0*)?)$/.test(value)) throw badFault(text, `"${limit}" needs a number from 0 to 1`);
        parsed.probability = Number(value);
        break;
      case "from":
        parsed.fromMs = parseDurationMs(text, value);
        break;
      case "to":
        parsed.toMs = parseDurationMs(text, value);
        break;
      default:
        throw badFault(text, `"${limit}" is none of every=N, p=0.1, from=60s and to=240s`);
    }
  }
  return parsed;
}

const unitsMs = new Map([
  ["us", 0.001],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** `40ms`, `1.5s`, `2m` in milliseconds; undefined where the text is no duration. */
export function durationMsOf(duration: string): number | undefined {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(duration) ?? [];
  const unitMs = unitsMs.get(unit);
  return count === undefined || unitMs === undefined ? undefined : Number(count) * unitMs;
}

function parseDurationMs(text: string, duration: string): number {
  const ms = durationMsOf(duration);
  if (ms === undefined) throw badFault(text, `"${duration}" is no duration like 40ms, 1.5s or 2m`);
  if (ms > delayMsMax) throw badFault(text, `${duration} is too long`);
  return ms;
}

function badFault(text: string, why: string): UsageError {
  return new UsageError("bad-fault", `The fault "${text}" cannot be understood: ${why}.`, { hint });
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Splits at separators that are not within parentheses. */
export function splitOutside(text: string, separator: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === separator && depth === 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${character}`);
  }
  return parts;
}
