import { z } from "zod";

/**
 * What `kmsmark plan` predicts. Everything in it is a prediction of the model and no measurement. Durations are milliseconds, money US dollars; a range
 * has two ends where what runs at once decides.
 */
export const planVersion = 1;

const amount = z.number().nonnegative();
const range = z.strictObject({ min: amount, max: amount });
export type PlanRange = z.infer<typeof range>;

/** Null: no end can be told, for the reason that the note tells. */
const duration = z.strictObject({ lowMs: amount, midMs: amount, highMs: amount }).nullable();
export type PlanDuration = z.infer<typeof duration>;

export const planStartSchema = z.strictObject({
  /** In words: `one API server`. */
  what: z.string(),
  servers: amount,
  calls: range,
  /** Until every one of them is ready, over the seeds. */
  ready: duration,
  /** `simulated`: every call was an event; `reckoned`: by formulas that agree with the simulation where both can run. */
  how: z.enum(["simulated", "reckoned"]),
  note: z.string().nullable(),
});
export type PlanStart = z.infer<typeof planStartSchema>;

/** The figures by which two fleets are compared. */
export const planFiguresSchema = z.strictObject({
  decryptsPerStart: amount,
  /** Null where no end can be told. */
  readyOneMs: amount.nullable(),
  readyAllMs: amount.nullable(),
  readyRegionMs: amount.nullable(),
  callsPerMonth: amount,
  callsPerSecondPeak: amount,
  /** Of the quota, at the peak; null without one. */
  quotaUse: amount.nullable(),
  /** Null without a price table. */
  usdPerMonth: amount.nullable(),
});
export type PlanFigures = z.infer<typeof planFiguresSchema>;

export const planSchema = z.strictObject({
  version: z.literal(planVersion),
  /** The fleet, by the names of the description, in its words. */
  fleet: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  /** What a person reads first. */
  sentences: z.array(z.string()),
  figures: planFiguresSchema,
  /** Calls of all API servers on their plugins over the period; what reaches the KMS is less where a Status or Version asks nobody. */
  calls: z.array(
    z.strictObject({
      cause: z.string(),
      method: z.string(),
      total: range,
      perDay: range,
      perMonth: range,
      perSecondMean: amount,
      /** Of the period; the causes need not peak together. */
      perSecondPeak: amount,
      reachesKms: z.boolean(),
    }),
  ),
  quota: z
    .strictObject({
      perSecond: amount,
      /** At the peak second of the period. */
      usePeak: amount,
      /** Of the period, milliseconds in which more is asked than is granted, the working off of what waited included. */
      exceededMs: amount,
      /** The first time, since the period's start; null where never. */
      firstExceededMs: amount.nullable(),
    })
    .nullable(),
  starts: z.array(planStartSchema),
  latencies: z.array(
    z.strictObject({
      operation: z.string(),
      /** What share of the operations waits for the KMS at all. */
      share: amount,
      /** The KMS's part of it, with the spread over the seeds. */
      p50: duration,
      p99: duration,
    }),
  ),
  rotation: z.strictObject({ durationMs: amount, calls: range, note: z.string() }),
  outage: z.strictObject({ lengthMs: amount, effects: z.array(z.string()) }),
  cost: z.strictObject({ table: z.string(), asOf: z.string(), source: z.string(), usdPerMonth: range, note: z.string() }).nullable(),
  /** The nearest first. */
  limits: z.array(z.strictObject({ what: z.string(), at: amount, unit: z.string(), isExceeded: z.boolean() })),
  advice: z.array(z.strictObject({ change: z.string(), figures: planFiguresSchema, effect: z.string() })),
  /** Of `--sweep`: the figures at each value. */
  sweep: z
    .strictObject({ name: z.string(), points: z.array(z.strictObject({ value: z.number(), figures: planFiguresSchema })) })
    .nullable(),
  /** The limits that were stated, and how the plan stands to them. */
  stated: z.array(z.strictObject({ expression: z.string(), /** In words, what is predicted. */ told: z.string(), holds: z.boolean() })),
});
export type Plan = z.infer<typeof planSchema>;
