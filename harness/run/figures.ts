import type { Dimension } from "./quantity.ts";
import type { Latency, Phase } from "./schema.ts";

/** What of a phase can be named; a baseline keeps no more. */
export type MeasuredPhase = Pick<
  Phase,
  "name" | "durationMs" | "load" | "requests" | "latency" | "serviceTime" | "kms" | "timeline" | "client" | "figures"
>;

/** Part of a distribution: a quantile in percent, or what is exact in it. */
export type Statistic = number | "min" | "max" | "mean";

/** How a figure is read off a phase; null where the phase has none. */
export type Figure =
  | { readonly kind: "latency"; readonly dimension: "time"; readonly statistic: Statistic; read(phase: MeasuredPhase): Latency | null }
  /** Whole numbers that are added up, and are the same in every run of the same load. */
  | { readonly kind: "count"; readonly dimension: "count"; read(phase: MeasuredPhase): number | null }
  /** Measured once a phase. */
  | { readonly kind: "value"; readonly dimension: Dimension; read(phase: MeasuredPhase): number | null };

/** The distributions of a phase by the word before a quantile; the one without a word counts from when a request was due. */
const distributions: Readonly<Record<string, (phase: MeasuredPhase) => Latency | null>> = {
  "": ({ latency }) => latency,
  service: ({ serviceTime }) => serviceTime,
  encrypt: ({ kms }) => kms?.["Encrypt"]?.latency ?? null,
  decrypt: ({ kms }) => kms?.["Decrypt"]?.latency ?? null,
  status: ({ kms }) => kms?.["Status"]?.latency ?? null,
  version: ({ kms }) => kms?.["Version"]?.latency ?? null,
};

/** The words that may stand before a quantile. */
export const distributionNames: readonly string[] = Object.keys(distributions).filter((name) => name !== "");
const statisticNames = ["p50", "p90", "p99", "p999", "min", "mean", "max"] as const;

const count = (read: (phase: MeasuredPhase) => number | null): Figure => ({ kind: "count", dimension: "count", read });
/** Without KMS v1's health probes. */
const calls = (method: string): Figure =>
  count(({ kms }) => (kms === null ? null : (kms[method]?.calls ?? 0) - (kms[method]?.probes ?? 0)));
const sumOfMethods = (part: "failed" | "probes"): Figure =>
  count(({ kms }) => (kms === null ? null : Object.values(kms).reduce((sum, method) => sum + method[part], 0)));

const ownFigures: ReadonlyMap<string, Figure> = new Map<string, Figure>([
  ["due", count(({ load, requests }) => (load === null ? null : requests.due))],
  ["ok", count(({ load, requests }) => (load === null ? null : requests.ok))],
  ["failed", count(({ load, requests }) => (load === null ? null : requests.failed))],
  ["dropped", count(({ load, requests }) => (load === null ? null : requests.dropped))],
  ["encrypts", calls("Encrypt")],
  ["decrypts", calls("Decrypt")],
  ["status", calls("Status")],
  ["versions", calls("Version")],
  ["probes", sumOfMethods("probes")],
  ["failedCalls", sumOfMethods("failed")],
  ["duration", { kind: "value", dimension: "time", read: ({ durationMs }) => durationMs * 1e6 }],
  [
    "rate",
    {
      kind: "value",
      dimension: "rate",
      read: ({ load, requests, durationMs }) => (load === null || durationMs === 0 ? null : (requests.ok * 1000) / durationMs),
    },
  ],
  ["clientCpu", { kind: "value", dimension: "time", read: ({ client }) => timesOrNull(client?.cpuUsPerRequest, 1e3) }],
]);

/** What every phase may have, whatever benchmark it is of. */
export const figureNames: readonly string[] = [...statisticNames, ...ownFigures.keys()];

/** Whether a figure is of calls of the KMS, of which a provider without one makes none. */
export function isKmsFigure(name: string): boolean {
  return /^(encrypt|decrypt|status|version)(s?|\..*)$/.test(name) || name === "probes" || name === "failedCalls";
}

/** Whether a figure is one of every phase, `p99.9` and `service.p50` among them, and not of a benchmark's own. */
export function isOwnFigure(name: string): boolean {
  return ownFigures.has(name) || latencyFigureOf(name) !== undefined;
}

/** The figure of a name; what is none of every phase's is a benchmark's own, and its name says its unit. */
export function figureOf(name: string): Figure {
  return (
    ownFigures.get(name) ??
    latencyFigureOf(name) ?? {
      kind: "value",
      dimension: unitOf(name).dimension,
      read: ({ figures }) => timesOrNull(figures[name], unitOf(name).factor),
    }
  );
}

function latencyFigureOf(name: string): Figure | undefined {
  const [, of = "", statistic = ""] = /^(?:([a-z]+)\.)?([a-z][a-z0-9.]*)$/.exec(name) ?? [];
  const read = Object.hasOwn(distributions, of) ? distributions[of] : undefined;
  const found = statisticOf(statistic);
  return read === undefined || found === undefined ? undefined : { kind: "latency", dimension: "time", statistic: found, read };
}

/** `p99.9` and `p999` are the same. */
function statisticOf(name: string): Statistic | undefined {
  if (name === "min" || name === "max" || name === "mean") return name;
  const [, whole, decimals] = /^p(\d\d?)(?:\.(\d+))?$/.exec(name) ?? /^p(99)(9+)$/.exec(name) ?? [];
  return whole === undefined ? undefined : Number(decimals === undefined ? whole : `${whole}.${decimals}`);
}

/** The units in the names of a benchmark's own figures (`schema.ts`), and what they are in those of {@link Dimension}. */
const unitWords: Readonly<Record<string, { readonly dimension: Dimension; readonly factor: number }>> = {
  PerSecond: { dimension: "rate", factor: 1 },
  Bytes: { dimension: "size", factor: 1 },
  Seconds: { dimension: "time", factor: 1e9 },
  Ms: { dimension: "time", factor: 1e6 },
  Us: { dimension: "time", factor: 1e3 },
  Ns: { dimension: "time", factor: 1 },
};

/** The last unit in a name, behind which a qualifier may stand: `readyMsMax`, `eventMsP99`. What names none is a count. */
function unitOf(name: string): { readonly dimension: Dimension; readonly factor: number } {
  const word = [...name.matchAll(/(?:PerSecond|Bytes|Seconds|Ms|Us|Ns)(?![a-z])/g)].at(-1)?.[0] ?? "";
  return unitWords[word] ?? { dimension: "count", factor: 1 };
}

function timesOrNull(value: number | null | undefined, factor: number): number | null {
  return value === null || value === undefined ? null : value * factor;
}
