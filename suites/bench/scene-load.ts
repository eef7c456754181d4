import type { Clock } from "../../harness/clock.ts";
import { messageOf } from "../../harness/errors.ts";
import { FailureTally } from "../../harness/load/failure-tally.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { Outcome } from "../../harness/load/promise-sender.ts";
import type { PhaseState } from "../../harness/run/progress.ts";
import type { TimedRequest } from "../../harness/run/timeline.ts";
import type { PhaseFacts } from "./scene-log.ts";

/** How many distinct failures a result keeps. */
const failuresMax = 10;

/** Takes down what came of requests of one kind, and when. */
export class OutcomeLog {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #startMs: number;
  readonly #failures = new FailureTally();
  readonly #latency = LatencyHistogram.empty();
  readonly #times: TimedRequest[] = [];
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
    const [sinceMs, overMs] = [dueMs - this.#startMs, this.#clock.monotonicMs() - this.#startMs];
    this.#times.push({ dueMs: sinceMs, overMs, outcome: isOk ? "ok" : "failed" });
    if (isOk) {
      this.ok++;
      this.#latency.recordMs(overMs - sinceMs);
    } else {
      this.failed++;
      this.#failures.add(outcome.status, outcome.failure ?? "");
    }
    return isOk;
  }

  /** The seconds in which a request fell due that failed, in order. */
  get failedSeconds(): readonly number[] {
    const seconds = this.#times.flatMap(({ dueMs, outcome }) => (outcome === "failed" ? [Math.floor(dueMs / 1000)] : []));
    return [...new Set(seconds)].sort((a, b) => a - b);
  }

  /** How far they are. */
  get state(): Required<Pick<PhaseState, "done" | "failed" | "latency">> {
    const { count, totalMs } = this.#latency;
    return { done: this.ok + this.failed, failed: this.failed, latency: { count, totalMs } };
  }

  facts(): Required<Pick<PhaseFacts, "requests" | "failures" | "latency" | "times">> {
    return {
      times: this.#times,
      requests: { due: this.ok + this.failed, ok: this.ok, failed: this.failed, dropped: 0 },
      failures: this.#failures.mostFrequent(failuresMax),
      latency: this.#latency.toLatency(),
    };
  }
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
