import type { Clock } from "../../harness/clock.ts";

export interface CircuitBreakerOptions {
  readonly clock: Clock;
  /** Opens after so many failures in a row. */
  readonly failuresMax: number;
  /** How long it stays open before one call may try, milliseconds. */
  readonly openMs: number;
  /** Whether what was thrown after so long says that the service is away; anything else that it says shows that it is there. */
  readonly isAway: (thrown: unknown, durationMs: number) => boolean;
  /** Whether it says nothing about the service at all, such as a caller who went away. */
  readonly saysNothing: (thrown: unknown) => boolean;
  /** Made for each call that is not let through. */
  readonly refusal: (state: "open" | "half-open", waitMs: number) => Error;
}

/**
 * Keeps calls from a service that is away, so that they fail at once instead of each waiting for its deadline, and so that a service that
 * comes back is not met by all that wait. Closed → open after `failuresMax` failures in a row → half-open after `openMs`, when one call may
 * try: it closes or opens the breaker again.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  #openUntilMs: number | undefined;
  #isTrying = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  get state(): "closed" | "open" | "half-open" {
    if (this.#openUntilMs === undefined) return "closed";
    return this.#options.clock.monotonicMs() < this.#openUntilMs ? "open" : "half-open";
  }

  async run<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const { clock, refusal, isAway, saysNothing } = this.#options;
    const { state } = this;
    if (state === "open") throw refusal(state, (this.#openUntilMs ?? 0) - clock.monotonicMs());
    if (state === "half-open" && this.#isTrying) throw refusal(state, 0);
    const isTry = state === "half-open";
    if (isTry) this.#isTrying = true;
    const startMs = clock.monotonicMs();
    try {
      const answer = await call();
      this.#close();
      return answer;
    } catch (thrown) {
      if (isAway(thrown, clock.monotonicMs() - startMs)) this.#fail(isTry);
      else if (!saysNothing(thrown)) this.#close();
      throw thrown;
    } finally {
      if (isTry) this.#isTrying = false;
    }
  }

  #close(): void {
    this.#failures = 0;
    this.#openUntilMs = undefined;
  }

  #fail(isTry: boolean): void {
    const { clock, failuresMax, openMs } = this.#options;
    this.#failures++;
    // Calls that were under way when it opened do not prolong it.
    const isOpen = this.#openUntilMs !== undefined && !isTry;
    if (this.#failures >= failuresMax && !isOpen) this.#openUntilMs = clock.monotonicMs() + openMs;
  }
}
