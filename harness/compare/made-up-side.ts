import { LatencyHistogram } from "../load/histogram.ts";
import { Random } from "../random.ts";
import type { MeasuredPhase } from "../run/figures.ts";
import type { MeasuredCell } from "../run/metric.ts";
import type { Latency } from "../run/schema.ts";
import { normalDraw } from "./sampling.ts";
import type { Side } from "./side.ts";

/** What a made-up run measures. */
export interface MadeUp {
  readonly runId?: string;
  readonly rounds?: number;
  readonly requests?: number;
  /** What each latency and duration is multiplied with. */
  readonly factor?: number;
  /** How much the rounds vary: the spread of the logarithm. */
  readonly spread?: number;
  /** KMS calls of the writes, round by round. */
  readonly encrypts?: (round: number) => number;
  /** How many seconds of it are kept. */
  readonly seconds?: number;
  /** In steps of so many milliseconds; of a second by default. */
  readonly stepMs?: number;
}

/** For tests: a run of the provider kms-v2 with the phases restart and write, by its id always the same. */
export function madeUpSide(given: MadeUp = {}): Side {
  const { runId = "a", rounds = 1, factor = 1, spread = 0.03 } = given;
  const random = new Random(`made-up/${runId}`);
  const cells = Array.from({ length: rounds }, (_, index): MeasuredCell => {
    const ofRound = factor * Math.exp(spread * normalDraw(random));
    const origin = { benchmark: "lifecycle", parameters: {}, provider: "kms-v2", secrets: 500 } as const;
    return { ...origin, round: index + 1, phases: [restartPhase(ofRound), writePhase(ofRound, index + 1, given, random)] };
  });
  return {
    facts: {
      ...{ runId, command: "bench", startedAt: "2026-11-23T23:55:01Z", seed: "vega-1187", kmsmark: "0.1.0" },
      machine: { cpu: "AMD EPYC 7B13", cpus: 4, memoryBytes: 17_179_869_184, system: "Linux 6.12.8 x64", node: "v24.21.0" },
      plugin: "bundled plugin, provider local",
      target: { kind: "processes", kubernetes: "v1.37.2", etcd: "3.7.3", isModel: false },
      status: "complete",
    },
    cells,
    checks: [],
  };
}

const unmeasured = { serviceTime: null, timeline: null, client: null, figures: {} };

function restartPhase(factor: number): MeasuredPhase {
  const requests = { due: 0, ok: 0, failed: 0, dropped: 0 };
  return { ...unmeasured, name: "restart", durationMs: 2000 * factor, load: null, requests, latency: null, kms: null };
}

function writePhase(
  factor: number,
  round: number,
  { requests = 500, seconds = 0, stepMs = 1000, encrypts = () => 0 }: MadeUp,
  random: Random,
): MeasuredPhase {
  const draw = () => 2e6 * factor * Math.exp(0.3 * normalDraw(random));
  return {
    ...unmeasured,
    name: "write",
    durationMs: 2500,
    load: { model: "open", arrivals: "constant", ratePerSecond: 200, inFlightMax: 64 },
    requests: { due: requests, ok: requests, failed: 0, dropped: 0 },
    latency: latencyOf(Array.from({ length: requests }, draw)),
    kms: { Encrypt: { calls: encrypts(round), failed: 0, probes: 0, latency: null } },
    timeline: {
      stepMs,
      kms: null,
      load: Array.from({ length: (seconds * 1000) / stepMs }, (_, step) => {
        const p50 = Math.round(draw());
        return { step, ok: 200, failed: 0, dropped: 0, p50, p99: 2 * p50, max: 3 * p50 };
      }),
    },
  };
}

function latencyOf(values: readonly number[]): Latency | null {
  const histogram = LatencyHistogram.empty();
  for (const value of values) histogram.recordNs(value);
  return histogram.toLatency();
}
