import type { ProviderName } from "../../plugins/provider-choice.ts";
import { type PublishedTerms, publishedTerms } from "../../plugins/published-terms.ts";
import { cellName } from "../run/fold.ts";
import type { Cell, Phase } from "../run/schema.ts";
import { workCalls } from "../run/verdict.ts";

/**
 * What the calls that the tap counted come to under the terms that the provider's operator publishes: the shortest time that a cold start
 * can take, and the cost. Both are predictions, and say so. Empty where the KMS has no terms or no call was counted.
 */
export function termNotes(provider: ProviderName, cells: readonly Cell[]): string[] {
  const terms = publishedTerms[provider];
  return terms === undefined ? [] : cells.flatMap((cell) => noteOf(cell, terms));
}

function noteOf(cell: Cell, { callsPerSecondMax, usdPer10000Calls, source }: PublishedTerms): string[] {
  const cold = cell.phases.filter(({ name }) => name === "restart" || name === "cold");
  const total = callsOf(cell.phases);
  if (total === 0) return [];
  const coldCalls = callsOf(cold);
  const seconds = coldCalls / callsPerSecondMax;
  const usd = (total / 10_000) * usdPer10000Calls;
  return [
    `A prediction for ${cellName(cell)}: its ${coldCalls} KMS calls for restart and first reads take at least ${seconds.toFixed(2)} s under the limit of ${callsPerSecondMax} a second; all its ${total} Encrypt and Decrypt cost USD ${usd.toFixed(4)}, at USD ${usdPer10000Calls} for 10,000 (${source}).`,
  ];
}

function callsOf(phases: readonly Phase[]): number {
  return phases.reduce((sum, phase) => sum + workCalls(phase, "Encrypt") + workCalls(phase, "Decrypt"), 0);
}
