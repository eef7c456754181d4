import { type Clock, systemClock } from "../../harness/clock.ts";

/**
 * For tests: time that passes so many times as fast, for what waits for a minute between two polls. Timers take their real time: they bound calls
 * over sockets, which are no faster.
 */
export class FastClock implements Clock {
  readonly #factor: number;
  readonly #originMs = systemClock.monotonicMs();
  readonly #wallOriginMs = systemClock.wallMs();

  constructor(factor: number) {
    this.#factor = factor;
  }

  monotonicMs(): number {
    return (systemClock.monotonicMs() - this.#originMs) * this.#factor;
  }

  wallMs(): number {
    return this.#wallOriginMs + this.monotonicMs();
  }

  sleep: Clock["sleep"] = (ms, signal) => systemClock.sleep(ms / this.#factor, signal);
  startTimer: Clock["startTimer"] = (ms, run) => systemClock.startTimer(ms, run);

  startAlarm: Clock["startAlarm"] = (ring) => {
    const alarm = systemClock.startAlarm(ring);
    return { set: (ms) => alarm.set(this.#originMs + ms / this.#factor), [Symbol.dispose]: () => alarm[Symbol.dispose]() };
  };
}
