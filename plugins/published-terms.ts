import type { PriceTable } from "../harness/plan/price-table.ts";
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

/**
 * Price tables for `kmsmark plan`, by name. They are what the operators publish for everybody, and change: the date says when each was looked up, and
 * a file of one's own takes their place.
 */
export const priceTables = [
  {
    // Spec alibaba-cloud 1.7.
    name: "alibaba",
    asOf: "2026-11",
    source: "https://www.alibabacloud.com/help/en/kms/key-management-service/product-overview/billing-of-kms-1-0",
    usdPer10000Calls: 0.03,
    freeCallsPerMonth: 0,
    usdPerKeyMonth: 0.06,
    callsPerSecondMax: 1000,
    note: "KMS 1.0 outside of mainland China, a software key at USD 0.002 a day; the quota is of the shared gateway, an account and region, and cannot be raised",
  },
  {
    name: "alibaba-mainland",
    asOf: "2026-11",
    source: "https://www.alibabacloud.com/help/en/kms/key-management-service/product-overview/billing-of-kms-1-0",
    usdPer10000Calls: 0.08,
    freeCallsPerMonth: 0,
    usdPerKeyMonth: 0.06,
    callsPerSecondMax: 1000,
    note: "KMS 1.0 in mainland China, a software key at USD 0.002 a day; the quota is of the shared gateway, an account and region, and cannot be raised",
  },
  {
    name: "aws",
    asOf: "2026-03",
    source: "https://aws.amazon.com/kms/pricing/",
    usdPer10000Calls: 0.03,
    freeCallsPerMonth: 20_000,
    usdPerKeyMonth: 1,
    callsPerSecondMax: null,
    note: "symmetric keys; each rotated version costs as much as the key; the quota differs by region and can be raised, so give it with --quota",
  },
  {
    name: "azure",
    asOf: "2026-03",
    source: "https://azure.microsoft.com/pricing/details/key-vault/",
    usdPer10000Calls: 0.03,
    freeCallsPerMonth: 0,
    usdPerKeyMonth: 0,
    callsPerSecondMax: 400,
    note: "Key Vault Standard with a 2048-bit RSA software key, limited to 4,000 transactions in 10 seconds a vault and region",
  },
  {
    name: "google",
    asOf: "2025-03-17",
    source: "https://cloud.google.com/kms/pricing",
    usdPer10000Calls: 0.03,
    freeCallsPerMonth: 0,
    usdPerKeyMonth: 0.06,
    callsPerSecondMax: null,
    note: "software keys, a price a month and active key version; the quota is set for each project and region, so give it with --quota",
  },
] as const satisfies readonly PriceTable[];
