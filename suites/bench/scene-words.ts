import type { Phase } from "../../harness/run/schema.ts";

/** `4.2 s`: what a phase took; how long was waited in vain where its API servers were not ready. */
export function seconds({ durationMs, figures }: Pick<Phase, "durationMs" | "figures">): string {
  const text = `${(durationMs / 1000).toFixed(1)} s`;
  return figures["notReady"] === 1 ? `more than ${text}` : text;
}

/** `210 a second`, of the requests of a phase that succeeded; a model whose time stands still has no rate. */
export function perSecond({ durationMs, requests }: Pick<Phase, "durationMs" | "requests">): string {
  return durationMs > 0 ? `${Math.round((requests.ok * 1000) / durationMs)} a second` : "all at once";
}

/** `7`, or `4 to 10` of several numbers. */
export function range(numbers: readonly number[]): string {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least} to ${most}`;
}
