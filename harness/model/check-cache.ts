import type { Failure } from "./failure.ts";

/** A health check's result counts for this long when it was good, milliseconds (spec encryption-at-rest 1.5, 2.5). */
export const goodCheckTtlMs = 20_000;
/** A health check's result counts for this long when it was bad, milliseconds. */
export const badCheckTtlMs = 3_000;

/** The last result of a provider's health check; KMS v1 and v2 keep it alike. */
export interface CheckResult {
  readonly receivedMs: number;
  readonly failure: Failure | undefined;
}

/** True while the result is still given out instead of asking the plugin again. */
export function isFresh(result: CheckResult | undefined, nowMs: number): result is CheckResult {
  return result !== undefined && nowMs - result.receivedMs < (result.failure === undefined ? goodCheckTtlMs : badCheckTtlMs);
}
