import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { ClientCost } from "../run/schema.ts";
import type { LoadResult } from "./driver.ts";

/** How often the event loop is asked whether it is late. */
const resolutionMs = 10;

/**
 * What the thread that sends a load spends on it: its CPU, how late its event loop was, and the garbage collector's pauses. To be started right before the
 * load; disposing of it ends what it observes.
 */
export class ClientMeter implements Disposable {
  #cpu = process.threadCpuUsage();
  #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  #gcPauseMaxMs = 0;
  #gcPauseTotalMs = 0;
  #observer = new PerformanceObserver((list) => this.#take(list.getEntries()));

  constructor() {
    this.#delay.enable();
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** What was spent until now on a load that sent so many requests, and so late. */
  cost({ ok, failed, sendDelay }: Pick<LoadResult, "ok" | "failed" | "sendDelay">): ClientCost {
    const requests = ok + failed;
    this.#take(this.#observer.takeRecords());
    const { user, system } = process.threadCpuUsage(this.#cpu);
    return {
      cpuMs: (user + system) / 1000,
      cpuUsPerRequest: requests === 0 ? null : (user + system) / requests,
      // What it says of a loop that is never late is the distance at which it asks; of one that was never asked yet, nothing.
      eventLoopDelayMaxMs: Math.max(0, this.#delay.max / 1e6 - resolutionMs),
      gcPauseMaxMs: this.#gcPauseMaxMs,
      gcPauseTotalMs: this.#gcPauseTotalMs,
      sendDelayMsP99: sendDelay.count === 0 ? null : sendDelay.quantileNs(99) / 1e6,
    };
  }

  #take(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) {
      this.#gcPauseMaxMs = Math.max(this.#gcPauseMaxMs, duration);
      this.#gcPauseTotalMs += duration;
    }
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }
}
