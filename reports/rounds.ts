import { LatencyHistogram } from "../harness/load/histogram.ts";
import { limitNs } from "../harness/run/client-limits.ts";
import { parameterWords } from "../harness/run/fold.ts";
import { benchProviders, type Cell, type ClientCost, type EnvelopeCheck, type Floor, type KmsMethod, type Latency, type Phase, type Result } from "../harness/run/schema.ts";

/** A phase as tables show it: of several rounds all that was measured together, and of the figures the medians. */
export interface ShownPhase extends Phase {
  /** The median latency of each round, nanoseconds; none where nothing was timed. */
  readonly p50s: readonly number[];
  /** A latency below it says more of the client than of the server, nanoseconds; null where the client's floor is not known. */
  readonly unsureBelowNs: number | null;
}

/** What was measured of one provider with one set of parameters, in all rounds. */
export interface CellRows extends Omit<Cell, "phases" | "round"> {
  /** `kms-v2`, or with parameters `kms-v2, kmsLatencyMs 10`. */
  readonly label: string;
  readonly phases: readonly ShownPhase[];
  /** The cells themselves. */
  readonly rounds: readonly Cell[];
}

/** What belongs under one heading: the cells of one benchmark and number of Secrets. */
export interface CellSection {
  /** `50 secrets`, or with another benchmark than lifecycle `write, 50 secrets`. */
  readonly title: string;
  readonly rows: readonly CellRows[];
}

/** The sections of a run, in its order. @throws RunFolderError `histogram-unreadable` where a histogram of several rounds is damaged */
export function sectionsOf({ cells, floor }: Pick<Result, "cells" | "floor">): CellSection[] {
  return [...Map.groupBy(cells, sectionTitle)].map(([title, ofSection]) => ({
    title,
    rows: [...Map.groupBy(inOrder(ofSection), labelOf)].map(([label, rounds]) => merged(label, rounds, floor)),
  }));
}

/** Rounds have orders that were drawn: their providers stand in one and the same. A single round keeps that of the run. */
function inOrder(cells: readonly Cell[]): readonly Cell[] {
  if (cells.every(({ round }) => round === 1)) return cells;
  const groups = Map.groupBy(cells, ({ parameters }) => parameterWords(parameters).join());
  return [...groups.values()].flatMap((group) =>
    group.toSorted((a, b) => benchProviders.indexOf(a.provider) - benchProviders.indexOf(b.provider)),
  );
}

function sectionTitle({ benchmark, secrets }: Cell): string {
  const size = secrets > 0 ? [`${secrets} secrets`] : [];
  return [...(benchmark === "lifecycle" ? [] : [benchmark]), ...size].join(", ");
}

function labelOf({ provider, parameters }: Cell): string {
  return [provider, ...parameterWords(parameters)].join(", ");
}

function merged(label: string, rounds: readonly Cell[], floor: Floor | null): CellRows {
  const [first, ...others] = rounds;
  if (first === undefined) throw new RangeError("A cell has at least one round.");
  const byName = Map.groupBy(
    rounds.flatMap(({ phases }) => phases),
    ({ name }) => name,
  );
  const phases =
    others.length === 0 ? first.phases.map((phase) => shown([phase], floor)) : [...byName.values()].map((parts) => shown(parts, floor));
  const faults = rounds.flatMap(({ fault }) => fault ?? []);
  return { ...first, label, phases, rounds, envelopes: mergedCheck(rounds), fault: faults[0] ?? null };
}

function shown(parts: readonly Phase[], floor: Floor | null): ShownPhase {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError("A phase was measured at least once.");
  const p50s = parts.flatMap(({ latency }) => latency?.p50 ?? []);
  const unsureBelowNs = limitNs(first, floor);
  if (others.length === 0) return { ...first, p50s, unsureBelowNs };
  const { requests } = first;
  return {
    ...first,
    durationMs: sumOf(parts, ({ durationMs }) => durationMs),
    requests: {
      due: sumOf(parts, (part) => part.requests.due),
      ok: sumOf(parts, (part) => part.requests.ok),
      failed: sumOf(parts, (part) => part.requests.failed),
      dropped: sumOf(parts, (part) => part.requests.dropped),
    } satisfies typeof requests,
    latency: mergedLatency(parts.map(({ latency }) => latency)),
    serviceTime: mergedLatency(parts.map(({ serviceTime }) => serviceTime)),
    kms: first.kms === null ? null : mergedMethods(parts.map(({ kms }) => kms ?? {})),
    server: added(parts.map(({ server }) => server)),
    figures: medians(parts.map(({ figures }) => figures)),
    client: mergedCost(parts),
    p50s,
    unsureBelowNs,
  };
}

function mergedCost(parts: readonly Phase[]): ClientCost | null {
  const costs = parts.flatMap(({ client }) => client ?? []);
  if (costs.length === 0) return null;
  const requests = sumOf(parts, ({ client, requests: { ok, failed } }) => (client === null ? 0 : ok + failed));
  const cpuMs = sumOf(costs, (cost) => cost.cpuMs);
  const late = costs.flatMap(({ sendDelayMsP99 }) => sendDelayMsP99 ?? []);
  return {
    cpuMs,
    cpuUsPerRequest: requests === 0 ? null : (cpuMs * 1000) / requests,
    eventLoopDelayMaxMs: Math.max(...costs.map(({ eventLoopDelayMaxMs }) => eventLoopDelayMaxMs)),
    gcPauseMaxMs: Math.max(...costs.map(({ gcPauseMaxMs }) => gcPauseMaxMs)),
    gcPauseTotalMs: sumOf(costs, ({ gcPauseTotalMs }) => gcPauseTotalMs),
    sendDelayMsP99: late.length === 0 ? null : Math.max(...late),
  };
}

/** The calls of several phases together, by method. */
function mergedMethods(parts: readonly Record<string, KmsMethod>[]): Record<string, KmsMethod> {
  const byMethod = Map.groupBy(
    parts.flatMap((part) => Object.entries(part)),
    ([method]) => method,
  );
  return Object.fromEntries([...byMethod].map(([method, entries]) => [method, mergedMethod(entries.map(([, calls]) => calls))]));
}

/** The calls of one method in several phases together. */
export function mergedMethod(parts: readonly KmsMethod[]): KmsMethod {
  return {
    calls: sumOf(parts, ({ calls }) => calls),
    failed: sumOf(parts, ({ failed }) => failed),
    probes: sumOf(parts, ({ probes }) => probes),
    latency: mergedLatency(parts.map(({ latency }) => latency)),
  };
}

function mergedLatency(parts: readonly (Latency | null)[]): Latency | null {
  const all = LatencyHistogram.empty();
  for (const part of parts) if (part !== null) all.merge(LatencyHistogram.fromLatency(part));
  return all.toLatency();
}

function mergedCheck(rounds: readonly Cell[]): EnvelopeCheck | null {
  const checks = rounds.flatMap(({ envelopes }) => envelopes ?? []);
  if (checks.length === 0) return null;
  return {
    total: sumOf(checks, ({ total }) => total),
    right: sumOf(checks, ({ right }) => right),
    wrong: checks.flatMap(({ wrong }) => wrong),
    plaintextBytes: sumOf(checks, ({ plaintextBytes }) => plaintextBytes),
    storedBytes: sumOf(checks, ({ storedBytes }) => storedBytes),
  };
}

function added(parts: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [series, growth] of parts.flatMap((part) => Object.entries(part))) sums[series] = (sums[series] ?? 0) + growth;
  return sums;
}

function medians(parts: readonly Record<string, number>[]): Record<string, number> {
  const byName = Map.groupBy(
    parts.flatMap((part) => Object.entries(part)),
    ([name]) => name,
  );
  return Object.fromEntries([...byName].map(([name, entries]) => [name, median(entries.map(([, value]) => value))]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const below = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const above = sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0;
  return (below + above) / 2;
}

function sumOf<Part>(parts: readonly Part[], of: (part: Part) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}
