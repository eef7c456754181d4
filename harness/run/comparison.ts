import { z } from "zod";
import { dimensions } from "./quantity.ts";
import { checkAreas, checkLevels, checkVerdicts, headerSchema, statuses } from "./schema.ts";

/** The shape of `comparison.json`: two runs held against each other. Times are nanoseconds, sizes bytes, rates events a second. */
export const comparisonVersion = 1;

/** A figure, and between which bounds it lies with 95 % confidence; the bounds are null where nothing says how far it varies. */
export const estimateSchema = z.strictObject({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
export type Estimate = z.infer<typeof estimateSchema>;

/** What of a run's header a comparison is judged by; arguments and notes are not part of it, because they name files of a machine. */
export const runFactsSchema = headerSchema
  .pick({ runId: true, command: true, startedAt: true, seed: true, kmsmark: true, machine: true, plugin: true })
  .extend({
    target: z.strictObject({ kind: z.string(), kubernetes: z.string(), etcd: z.string().nullable(), isModel: z.boolean() }).nullable(),
    status: z.enum(statuses),
  });
export type RunFacts = z.infer<typeof runFactsSchema>;

/**
 * What the intervals and the test are over.
 * - `rounds`: each round of each run is one unit; what differs from round to round is in the interval.
 * - `seconds`: stretches of the one run's seconds; what differs from run to run is not.
 * - `requests`: single requests, taken to be independent; neither is what differs from run to run, nor that stalls hit many at once.
 * - `values`: counts as they are; nothing says how far they vary.
 */
export const bases = ["rounds", "seconds", "requests", "values"] as const;
export type Basis = (typeof bases)[number];

export const comparedVerdicts = ["lower", "higher", "equal", "no difference seen", "not judged"] as const;

/** One figure of one cell, in both runs. */
export const comparedSchema = z.strictObject({
  /** In the grammar of `metric.ts`; means this cell and no other of the runs. */
  metric: z.string(),
  /** For people. */
  cell: z.string(),
  phase: z.string(),
  figure: z.string(),
  dimension: z.enum(dimensions),
  /** Which way is worse; null where nobody but the benchmark knows. */
  worse: z.enum(["higher", "lower"]).nullable(),
  basis: z.enum(bases).nullable(),
  /** How many of the basis's units each run has. */
  units: z.strictObject({ base: z.number().int(), other: z.number().int() }),
  base: estimateSchema.nullable(),
  other: estimateSchema.nullable(),
  /** Of the second run to the first; null where the first is not above 0. */
  ratio: estimateSchema.nullable(),
  difference: estimateSchema.nullable(),
  /** Of the permutation test, two-sided; null where none was made. */
  p: z.number().nullable(),
  /** After Holm's correction for all tests of the comparison. */
  pAdjusted: z.number().nullable(),
  verdict: z.enum(comparedVerdicts),
  /** Why it is not judged; null otherwise. */
  reason: z.string().nullable(),
});
export type Compared = z.infer<typeof comparedSchema>;

/** How a check ended in a run, and why; null in {@link comparedCheckSchema} where the run does not have it. */
const checkEndSchema = z.strictObject({
  verdict: z.enum(checkVerdicts),
  /** Why there is no answer, or what was received where it failed; null where it passed. */
  told: z.string().nullable(),
});

/** A check that one of the runs has, or both. */
export const comparedCheckSchema = z.strictObject({
  id: z.string(),
  area: z.enum(checkAreas),
  level: z.enum(checkLevels),
  title: z.string(),
  base: checkEndSchema.nullable(),
  other: checkEndSchema.nullable(),
});
export type ComparedCheck = z.infer<typeof comparedCheckSchema>;

/** A limit of `--fail-on` and what became of it. */
export const limitResultSchema = z.strictObject({
  expression: z.string(),
  verdict: z.enum(["kept", "regression", "not judged"]),
  /** What was measured, or why nothing could be judged, in words. */
  measured: z.string(),
});
export type LimitResult = z.infer<typeof limitResultSchema>;

/** Whether a limit is a reason for exit code 1: what could not be judged is not kept. */
export function isBroken({ verdict }: LimitResult): boolean {
  return verdict !== "kept";
}

export const comparisonSchema = z.strictObject({
  version: z.literal(comparisonVersion),
  base: runFactsSchema,
  other: runFactsSchema,
  /** Which cells of one run are the sides; null for two runs. */
  between: z.strictObject({ base: z.string(), other: z.string(), rounds: z.number().int() }).nullable(),
  /** In what else than their figures the runs differ; empty for runs that are alike. */
  unlike: z.array(z.strictObject({ what: z.string(), base: z.string(), other: z.string() })),
  /** Of the intervals; the tests find a difference at 1 less it. */
  confidence: z.number(),
  /** Everything drawn at random comes from it. */
  seed: z.string(),
  compared: z.array(comparedSchema),
  /** Empty for benchmarks. */
  checks: z.array(comparedCheckSchema).default([]),
  limits: z.array(limitResultSchema),
  /** Sentences a reader has to know to read the figures rightly. */
  notes: z.array(z.string()),
});
export type Comparison = z.infer<typeof comparisonSchema>;
