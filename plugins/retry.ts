import type { Clock } from "../harness/clock.ts";
import type { Random } from "../harness/random.ts";
import { type CallContext, ProviderFault } from "./provider.ts";

/** The first pause is drawn from 0 to this, milliseconds; each further one from twice the range. */
const firstPauseMsMax = 50;
const pauseMsMax = 1000;

/**
 * Repeats a KMS call that failed as `unavailable` or `throttled`, with exponential pauses and full jitter, never shorter than the KMS'
 * own advice. A repetition that would not end before the deadline, judged by the attempt before, is not begun: the caller then learns the
 * fault instead of running into its deadline.
 */
export async function withRetries<Answer>(
  attempt: () => Promise<Answer>,
  { signal, deadlineMs }: Pick<CallContext, "signal" | "deadlineMs">,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<Answer> {
  for (let rangeMs = firstPauseMsMax; ; rangeMs = Math.min(2 * rangeMs, pauseMsMax)) {
    const startMs = clock.monotonicMs();
    try {
      return await attempt();
    } catch (thrown) {
      if (!isRetryable(thrown)) throw thrown;
      const nowMs = clock.monotonicMs();
      const pauseMs = Math.max(random.fraction() * rangeMs, thrown.retryAfterMs ?? 0);
      if (signal.aborted || nowMs + pauseMs + (nowMs - startMs) >= deadlineMs) throw thrown;
      await clock.sleep(pauseMs, signal);
    }
  }
}

function isRetryable(thrown: unknown): thrown is ProviderFault {
  return thrown instanceof ProviderFault && (thrown.kind === "unavailable" || thrown.kind === "throttled");
}
