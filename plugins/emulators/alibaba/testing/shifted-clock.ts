import { type Clock, systemClock } from "../../../../harness/clock.ts";

/** Real time that can be moved on, for what waits minutes behind a server that real clients call: they sign with the real date. */
export class ShiftedClock implements Clock {
  #shiftMs = 0;

  advance(ms: number): void {
    this.#shiftMs += ms;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#shiftMs;
  }

  wallMs(): number {
    return systemClock.wallMs() + this.#shiftMs;
  }

  sleep: Clock["sleep"] = (ms, signal) => systemClock.sleep(ms, signal);
  startTimer: Clock["startTimer"] = (ms, run) => systemClock.startTimer(ms, run);

  startAlarm: Clock["startAlarm"] = (ring) => {
    const alarm = systemClock.startAlarm(ring);
    return { set: (ms) => alarm.set(ms - this.#shiftMs), [Symbol.dispose]: () => alarm[Symbol.dispose]() };
  };
}
