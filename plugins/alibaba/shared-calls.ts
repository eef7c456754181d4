import { untilAborted } from "../until-aborted.ts";

interface SharedCall<Answer> {
  readonly answer: Promise<Answer>;
  readonly giveUp: AbortController;
  waiting: number;
}

/**
 * Makes one call of equal ones that are under way at the same time. Each caller leaves when its own signal says so; the call itself is
 * given up when the last has left. Nothing is kept once it has ended.
 */
export class SharedCalls<Answer> {
  readonly #underWay = new Map<string, SharedCall<Answer>>();

  /** @param key - equal for calls that have the same answer; it is not a place for secrets. */
  async run(key: string, signal: AbortSignal, call: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    signal.throwIfAborted();
    const shared = this.#underWay.get(key) ?? this.#begin(key, call);
    shared.waiting++;
    try {
      return await untilAborted(shared.answer, signal);
    } finally {
      if (--shared.waiting === 0) {
        if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
        if (signal.aborted) shared.giveUp.abort(signal.reason);
      }
    }
  }

  #begin(key: string, call: (signal: AbortSignal) => Promise<Answer>): SharedCall<Answer> {
    const giveUp = new AbortController();
    const shared = { answer: call(giveUp.signal), giveUp, waiting: 0 };
    this.#underWay.set(key, shared);
    const forget = () => {
      if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
    };
    shared.answer.then(forget, forget);
    return shared;
  }
}
