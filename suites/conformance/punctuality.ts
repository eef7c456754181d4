import type { Clock, Timer } from "../../harness/clock.ts";
import { inconclusive, type Outcome } from "./check.ts";

const everyMs = 1000;
/** Later than this with a timer of its own, a machine is too busy for times to be judged, milliseconds. */
const lateMsMax = 2000;

/**
 * Watches whether the machine keeps time while a check waits for an API server on it. Of a machine that is late it cannot be said that the API
 * server was.
 */
export class Punctuality implements Disposable {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #lateMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wait();
  }

  /** The same outcome, unless it is a failure that the machine may have caused. */
  judge(outcome: Outcome): Outcome {
    if (outcome.verdict !== "fail" || this.#lateMs <= lateMsMax) return outcome;
    const seconds = (this.#lateMs / 1000).toFixed(1);
    return inconclusive(`This machine was up to ${seconds} s late, so that no times could be judged on it.`, outcome.evidence);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #wait(): void {
    const dueMs = this.#clock.monotonicMs() + everyMs;
    this.#timer = this.#clock.startTimer(everyMs, () => {
      this.#lateMs = Math.max(this.#lateMs, this.#clock.monotonicMs() - dueMs);
      this.#wait();
    });
  }
}
