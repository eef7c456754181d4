import type { Clock } from "../../harness/clock.ts";
import { messageOf } from "../../harness/errors.ts";
import { FailureTally } from "../../harness/load/failure-tally.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { Outcome } from "../../harness/load/promise-sender.ts";
import type { PhaseState } from "../../harness/run/progress.ts";
import type { Second } from "../../harness/run/schema.ts";
import type { PhaseFacts } from "./scene-log.ts";

/** How many distinct failures a result keeps. */
const failuresMax = 10;

/** Takes down what came of requests of one kind, over all and by the second in which they were due. */
export class OutcomeLog {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #startMs: number;
  readonly #failures = new FailureTally();
  readonly #latency = LatencyHistogram.empty();
  readonly #seconds = new Map<number, { ok: number; failed: number; latenciesNs: number[] }>();
  ok = 0;
  failed = 0;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  /** Sends a request and takes down what came of it; a rejection is a failure without a status. Resolves to whether it succeeded. */
  async send(request: () => Promise<Outcome>): Promise<boolean> {
    const dueMs = this.#clock.monotonicMs();
    let outcome: Outcome;
    try {
      outcome = await request();
    } catch (thrown) {
      outcome = { status: 0, failure: messageOf(thrown) };
    }
    const isOk = outcome.failure === undefined;
    const second = Math.floor((dueMs - this.#startMs) / 1000);
    const of = this.#seconds.get(second) ?? { ok: 0, failed: 0, latenciesNs: [] };
    this.#seconds.set(second, of);
    if (isOk) {
      const ns = Math.round((this.#clock.monotonicMs() - dueMs) * 1e6);
      this.ok++;
      of.ok++;
      of.latenciesNs.push(ns);
      this.#latency.recordNs(ns);
    } else {
      this.failed++;
      of.failed++;
      this.#failures.add(outcome.status, outcome.failure ?? "");
    }
    return isOk;
  }

  /** The seconds in which at least one request failed, in order. */
  get failedSeconds(): readonly number[] {
    return [...this.#seconds].flatMap(([second, { failed }]) => (failed > 0 ? [second] : [])).sort((a, b) => a - b);
  }

  /** How far they are. */
  get state(): Required<Pick<PhaseState, "done" | "failed" | "latency">> {
    const { count, totalMs } = this.#latency;
    return { done: this.ok + this.failed, failed: this.failed, latency: { count, totalMs } };
  }

  facts(): Required<Pick<PhaseFacts, "requests" | "failures" | "latency" | "seconds">> {
    return {
      requests: { due: this.ok + this.failed, ok: this.ok, failed: this.failed, dropped: 0 },
      failures: this.#failures.mostFrequent(failuresMax),
      latency: this.#latency.toLatency(),
      seconds: [...this.#seconds].sort(([a], [b]) => a - b).map(([second, of]) => secondOf(second, of)),
    };
  }
}

function secondOf(
  second: number,
  { ok, failed, latenciesNs }: { readonly ok: number; readonly failed: number; readonly latenciesNs: number[] },
): Second {
  const sorted = latenciesNs.toSorted((a, b) => a - b);
  const at = (fraction: number) => sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? null;
  return { second, ok, failed, dropped: 0, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? null };
}

/** Sends one request for each item by so many workers, each of which goes on when its last was answered. */
export async function sendEach<Item>(
  items: readonly Item[],
  { log, workers, onDone }: { readonly log: OutcomeLog; readonly workers: number; readonly onDone?: (state: OutcomeLog["state"]) => void },
  send: (item: Item) => Promise<Outcome>,
): Promise<void> {
  const waiting = items.values();
  const work = async () => {
    for (const item of waiting) {
      await log.send(() => send(item));
      onDone?.(log.state);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work));
}
