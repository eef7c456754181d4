import { z } from "zod";

const money = z.number().nonnegative();

/** What a KMS costs, and how much of it there is: one table, in a file of one's own or among those that come along. */
export const priceTableSchema = z.strictObject({
  name: z.string().min(1),
  /** When it was looked up, `2026-11`. */
  asOf: z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/, "must be a date such as 2026-11"),
  /** The page that it stands on. */
  source: z.string().min(1),
  usdPer10000Calls: money,
  freeCallsPerMonth: money,
  usdPerKeyMonth: money,
  /** Calls a second that are granted where no quota is given; null where nothing is published. */
  callsPerSecondMax: z.number().positive().nullable(),
  /** For whom it holds, and what it leaves out. */
  note: z.string(),
});
export type PriceTable = z.output<typeof priceTableSchema>;
