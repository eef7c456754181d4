import { LatencyHistogram } from "../load/histogram.ts";
import { type SecondOfLoad, SecondsRecorder } from "../load/seconds.ts";
import type { LoadStep, Timeline } from "./schema.ts";

/** One request of a phase. Times are milliseconds since the phase's start. */
export interface TimedRequest {
  readonly dueMs: number;
  /** When it was over, with an answer or without. */
  readonly overMs: number;
  readonly outcome: "ok" | "failed" | "dropped";
}

/** When the calls of one KMS method began, milliseconds since the phase's start. */
export interface CallTimes {
  readonly calls: readonly number[];
  /** Those of `calls` that failed. */
  readonly failed: readonly number[];
}

/** What there is of a phase to lay out in time. */
export interface PhaseTimes {
  readonly durationMs: number;
  /** When the last was taken down that belongs to it: the calls that a phase leaves behind come after its duration. */
  readonly overMs: number;
  /** Its single requests, or where those were too many to keep, its seconds. */
  readonly requests: readonly TimedRequest[] | SecondsRecorder;
  /** By method; null where no tap could stand. */
  readonly kms: ReadonlyMap<string, CallTimes> | null;
}

/**
 * A shorter phase shows more of its shape in steps of less than a second; a longer one is compared with others by its seconds. As with the
 * number of them, no duration that anybody asks for lies so near to a change of width that two runs of it differ.
 */
const fineMsMax = 27_500;
const fineStepsMax = 120;
const stepsMax = 225;
/** What the tap took down is known to a millisecond of the client's time. */
const stepMsMin = 1;

/** The width of the steps of so long a phase, ms: 1, 2 or 5 times a power of ten. */
export function stepWidthMs(spanMs: number): number {
  const least = spanMs < fineMsMax ? spanMs / fineStepsMax : Math.max(1000, spanMs / stepsMax);
  for (let power = stepMsMin; ; power *= 10) {
    for (const width of [power, 2 * power, 5 * power]) if (width >= least) return width;
  }
}

/**
 * Lays a phase out in time. A request that succeeded counts where it ended and weighs where it fell due, a call counts where it began. What was
 * called before the phase, since the one before it ended, is in the first step.
 */
export function timelineOf({ durationMs, overMs, requests, kms }: PhaseTimes): Timeline {
  const endMs = Math.max(durationMs, overMs);
  const spanMs = Math.min(endMs, Math.max(durationMs, ...lastOf(kms)));
  if (requests instanceof SecondsRecorder) {
    const stepMs = Math.max(1000, stepWidthMs(spanMs));
    return { stepMs, load: stepsOfSeconds(requests.seconds(), stepMs), kms: stepsOfCalls(kms, stepMs, endMs) };
  }
  const stepMs = stepWidthMs(requests.reduce((last, request) => Math.max(last, request.overMs), spanMs));
  return { stepMs, load: stepsOfRequests(requests, stepMs), kms: stepsOfCalls(kms, stepMs, endMs) };
}

/** Of each method the last call. */
function lastOf(kms: PhaseTimes["kms"]): number[] {
  return [...(kms?.values() ?? [])].map(({ calls }) => calls.reduce((last, ms) => Math.max(last, ms), 0));
}

function stepsOfRequests(requests: readonly TimedRequest[], stepMs: number): LoadStep[] {
  const ended = { ok: new Map<number, number>(), failed: new Map<number, number>(), dropped: new Map<number, number>() };
  const latenciesNs = new Map<number, number[]>();
  for (const { dueMs, overMs, outcome } of requests) {
    countIn(ended[outcome], Math.floor(overMs / stepMs));
    if (outcome !== "ok") continue;
    const step = Math.floor(dueMs / stepMs);
    const ns = Math.round((overMs - dueMs) * 1e6);
    const ofStep = latenciesNs.get(step);
    if (ofStep === undefined) latenciesNs.set(step, [ns]);
    else ofStep.push(ns);
  }
  const steps = new Set([ended.ok, ended.failed, ended.dropped, latenciesNs].flatMap((of) => [...of.keys()]));
  return inOrder(steps).map((step) => {
    const [ok, failed, dropped] = [ended.ok, ended.failed, ended.dropped].map((of) => of.get(step) ?? 0);
    return { step, ok: ok ?? 0, failed: failed ?? 0, dropped: dropped ?? 0, ...quantilesOf(latenciesNs.get(step) ?? []) };
  });
}

/** By the nearest rank, as those of a whole phase are. */
function quantilesOf(latenciesNs: readonly number[]): Pick<LoadStep, "p50" | "p99" | "max"> {
  const sorted = Float64Array.from(latenciesNs).sort();
  const at = (percent: number) => sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? null;
  return { p50: at(50), p99: at(99), max: at(100) };
}

function stepsOfSeconds(seconds: Iterable<SecondOfLoad>, stepMs: number): LoadStep[] {
  const perStep = stepMs / 1000;
  const steps: LoadStep[] = [];
  let open: { step: number; ok: number; failed: number; dropped: number; readonly latency: LatencyHistogram } | undefined;
  const close = () => {
    if (open === undefined) return;
    const { latency, ...counts } = open;
    const isEmpty = latency.count === 0;
    const [p50, p99, max] = [50, 99, 100].map((percent) => (isEmpty ? null : latency.quantileNs(percent)));
    steps.push({ ...counts, p50: p50 ?? null, p99: p99 ?? null, max: max ?? null });
  };
  for (const { second, ok, failed, dropped, latency } of seconds) {
    const step = Math.floor(second / perStep);
    if (open?.step !== step) {
      close();
      open = { step, ok: 0, failed: 0, dropped: 0, latency: LatencyHistogram.empty() };
    }
    open.ok += ok;
    open.failed += failed;
    open.dropped += dropped;
    open.latency.merge(latency);
  }
  close();
  return steps;
}

function stepsOfCalls(kms: PhaseTimes["kms"], stepMs: number, endMs: number): Timeline["kms"] {
  if (kms === null) return null;
  // The tap's clock and the client's may be set apart while they run.
  const stepOf = (ms: number) => Math.floor(Math.min(Math.max(0, ms), endMs) / stepMs);
  return Object.fromEntries(
    [...kms].map(([method, { calls, failed }]) => {
      const [begun, broken] = [new Map<number, number>(), new Map<number, number>()];
      for (const ms of calls) countIn(begun, stepOf(ms));
      for (const ms of failed) countIn(broken, stepOf(ms));
      return [method, inOrder(begun.keys()).map((step) => ({ step, calls: begun.get(step) ?? 0, failed: broken.get(step) ?? 0 }))];
    }),
  );
}

function countIn(counts: Map<number, number>, step: number): void {
  counts.set(step, (counts.get(step) ?? 0) + 1);
}

function inOrder(steps: Iterable<number>): number[] {
  return [...steps].sort((a, b) => a - b);
}
