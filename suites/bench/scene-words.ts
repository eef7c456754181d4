import type { Phase } from "../../harness/run/schema.ts";

/** `4.2 s`: what a phase took; how long was waited in vain where its API servers were not ready. */
export function seconds({ durationMs, figures }: Pick<Phase, "durationMs" | "figures">): string {
  const text = `${(durationMs / 1000).toFixed(1)} s`;
  return figures["notReady"] === 1 ? `more than ${text}` : text;
}

/** `7`, or `4 to 10` of several numbers. */
export function range(numbers: readonly number[]): string {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least} to ${most}`;
}
