import type { ProviderName } from "./provider-choice.ts";

/** What the operator of a KMS publishes about using it. */
export interface PublishedTerms {
  /** Symmetric operations a second, of one account in one region, all together. */
  readonly callsPerSecondMax: number;
  readonly usdPer10000Calls: number;
  /** Where and for whom the price holds. */
  readonly source: string;
}

/** By provider; nothing where there is no bill. */
export const publishedTerms: Partial<Record<ProviderName, PublishedTerms>> = {
  // Spec alibaba-cloud 1.7.
  alibaba: {
    callsPerSecondMax: 1000,
    usdPer10000Calls: 0.03,
    source: "the published price of KMS 1.0 for basic keys outside of mainland China; 0.08 within",
  },
};
