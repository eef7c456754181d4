import { z } from "zod";
import { targetKinds } from "../target/target.ts";
import { planSchema } from "./plan-schema.ts";

/**
 * The shape of `result.json` and of the lines of `journal.jsonl`. A result is a fold over the journal, so a run that was killed still
 * has one. Durations are milliseconds (`Ms`) with fractions, latencies nanoseconds, sizes bytes; `startMs` counts from the run's start.
 */
export const resultVersion = 2;

const count = z.number().int().nonnegative();
const ms = z.number().nonnegative();

/** A latency distribution. The quantiles are read off `histogram` and stand here for readers without an HDR decoder. */
export const latencySchema = z.strictObject({
  unit: z.literal("ns"),
  count,
  min: count,
  mean: z.number().nonnegative(),
  p50: count,
  p90: count,
  p99: count,
  p999: count,
  max: count,
  /** HdrHistogram V2, compressed, base64: mergeable, 3 significant digits. */
  histogram: z.string(),
});
export type Latency = z.infer<typeof latencySchema>;

/** The providers that a benchmark can put first in the EncryptionConfiguration. */
export const benchProviders = ["identity", "kms-v2", "kms-v1", "aescbc", "aesgcm", "secretbox"] as const;
export type BenchProvider = (typeof benchProviders)[number];

/** What a benchmark calls its phases; each has its own. */
export const phaseNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
export type PhaseName = z.infer<typeof phaseNameSchema>;

/** How the due times of an open load are spread. */
export const arrivals = ["constant", "poisson", "ramp", "step", "spike", "replay"] as const;

/** How requests were offered: on a schedule of due times (open), or each worker's next when its last was answered (closed). */
export const loadSchema = z.discriminatedUnion("model", [
  z.strictObject({
    model: z.literal("open"),
    arrivals: z.enum(arrivals).default("constant"),
    /** On average over the schedule. */
    ratePerSecond: z.number().positive(),
    inFlightMax: count,
  }),
  z.strictObject({ model: z.literal("closed"), inFlight: count }),
]);
export type Load = z.infer<typeof loadSchema>;

/** Calls of one KMS method as the tap saw them. */
export const kmsMethodSchema = z.strictObject({
  calls: count,
  failed: count,
  /** Those of `calls` that were KMS v1 health probes. */
  probes: count,
  latency: latencySchema.nullable(),
});
export type KmsMethod = z.infer<typeof kmsMethodSchema>;

/** A count that two observers made independently. */
export const agreementSchema = z.strictObject({
  /** In words, `Encrypt calls`. */
  what: z.string(),
  tap: count,
  server: count,
});
export type Agreement = z.infer<typeof agreementSchema>;

/** A count beside what the model of the API server makes of the same scenario. */
export const predictionSchema = z.strictObject({
  /** In words, `Decrypt calls`. */
  what: z.string(),
  seen: count,
  /** What the model allows: one number, or a range where the API server does several things at once. */
  least: count,
  most: count,
});
export type Prediction = z.infer<typeof predictionSchema>;

/** What ended in one step of a phase's time. */
export const loadStepSchema = z.strictObject({
  /** Counts from the phase's start; steps in which nothing ended or fell due are left out. */
  step: count,
  ok: count,
  failed: count,
  dropped: count,
  /** Of the successful requests that fell due in it, nanoseconds. */
  p50: count.nullable(),
  p99: count.nullable(),
  max: count.nullable(),
});
export type LoadStep = z.infer<typeof loadStepSchema>;

/**
 * A phase in time, in steps of one width: at most 240, so that a result stays small however long the phase was. What was written in version 1 has one
 * for each second, and no calls.
 */
export const timelineSchema = z.strictObject({
  /** The width of a step, ms: 1, 2 or 5 times a power of ten. */
  stepMs: z.number().positive(),
  /** Empty for a phase without load. */
  load: z.array(loadStepSchema),
  /** By method, the calls that came to the tap in a step; null where no tap could stand. Steps without a call are left out. */
  kms: z.record(z.string(), z.array(z.strictObject({ step: count, calls: count, failed: count }))).nullable(),
});
export type Timeline = z.infer<typeof timelineSchema>;

/** What the client itself spent on a phase. */
export const clientCostSchema = z.strictObject({
  /** User and system time of the client's threads that sent it, ms. */
  cpuMs: ms,
  /** That time over the requests that were sent; null where none was. */
  cpuUsPerRequest: z.number().nonnegative().nullable(),
  /** The longest that the client's event loop was late, ms. */
  eventLoopDelayMaxMs: ms,
  /** Of the garbage collector. */
  gcPauseMaxMs: ms,
  gcPauseTotalMs: ms,
  /** How late requests of an open load were sent that could have been, at the 99th percentile, ms; null for a closed load. */
  sendDelayMsP99: ms.nullable().default(null),
});
export type ClientCost = z.infer<typeof clientCostSchema>;

export const phaseSchema = z.strictObject({
  name: phaseNameSchema,
  startMs: ms,
  durationMs: ms,
  /** Null for the phases that send no load: start, restart. */
  load: loadSchema.nullable(),
  requests: z.strictObject({
    due: count,
    ok: count,
    failed: count,
    /** Due and never sent, because too many were in flight. */
    dropped: count,
  }),
  /** The distinct failures, most frequent first, at most ten. */
  failures: z.array(z.strictObject({ status: z.number().int(), message: z.string(), count })),
  /** From the moment a request was due until its answer was complete; successful requests only. */
  latency: latencySchema.nullable(),
  /** From the moment it was sent. */
  serviceTime: latencySchema.nullable(),
  /** By method (Status, Version, Encrypt, Decrypt); null where no tap could stand. */
  kms: z.record(z.string(), kmsMethodSchema).nullable(),
  /** What the API server's own counters grew by, by metric name and labels as in its exposition. */
  server: z.record(z.string(), z.number()),
  agreements: z.array(agreementSchema),
  /** Null where nothing of it was taken down. */
  timeline: timelineSchema.nullable().default(null),
  client: clientCostSchema.nullable().default(null),
  /** What else the benchmark found in it, by a name that ends in its unit: `firstWriteMs`, `edekBytes`, `staleCount`. */
  figures: z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/), z.number()).default({}),
  predictions: z.array(predictionSchema).default([]),
  /** Requests that fail are what the phase measures, and no fault of the run. */
  expectsFailures: z.boolean().default(false),
});
export type Phase = z.infer<typeof phaseSchema>;

export const envelopeCheckSchema = z.strictObject({
  total: count,
  right: count,
  /** At most twenty. */
  wrong: z.array(z.strictObject({ key: z.string(), reason: z.string() })),
  /** Sum over all values. */
  plaintextBytes: count,
  storedBytes: count,
});
export type EnvelopeCheck = z.infer<typeof envelopeCheckSchema>;

/** The id of the run that it is of, where a result was merged of several. */
const ofRunSchema = z.string().optional();

/** What else distinguishes a cell, by name: `{ kmsLatencyMs: 10, apiServers: 3 }`. */
export const parametersSchema = z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/), z.union([z.number(), z.string()]));
export type Parameters = z.infer<typeof parametersSchema>;

/** Which benchmark measured a cell, with what, and in which round of interleaved ones. */
const cellOriginSchema = {
  benchmark: z.string().default("lifecycle"),
  parameters: parametersSchema.default({}),
  /** Counts from 1. */
  round: count.min(1).default(1),
};

export const cellSchema = z.strictObject({
  ...cellOriginSchema,
  provider: z.enum(benchProviders),
  secrets: count,
  startMs: ms,
  phases: z.array(phaseSchema),
  /** Null where the stored values could not be read; the reason is in the run's notes. */
  envelopes: envelopeCheckSchema.nullable(),
  /** Why the cell ended early; null when it did not. */
  fault: z.string().nullable(),
  run: ofRunSchema,
});
export type Cell = z.infer<typeof cellSchema>;

export const checkAreas = ["plugin", "envelope", "apiserver", "security", "config"] as const;
export type CheckArea = (typeof checkAreas)[number];
export const checkLevels = ["MUST", "SHOULD"] as const;
export type CheckLevel = (typeof checkLevels)[number];
export const checkVerdicts = ["pass", "fail", "not-applicable", "skipped", "inconclusive"] as const;
export type CheckVerdict = (typeof checkVerdicts)[number];

/** What a verdict rests on, in words; never a plaintext, a DEK or a credential. */
export const evidenceSchema = z.strictObject({
  sent: z.string(),
  received: z.string(),
  expected: z.string(),
  /** The file that the evidence is of, as it was given, and the line where it is about one; counts from 1. */
  place: z.strictObject({ file: z.string(), line: count.min(1).nullable() }).optional(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** One check of a conformance run. */
export const checkResultSchema = z.strictObject({
  /** `plugin/status-keyid-limit`; never changes. */
  id: z.string(),
  area: z.enum(checkAreas),
  title: z.string(),
  level: z.enum(checkLevels),
  /** Ids of spec encryption-at-rest section 8. */
  invariants: z.array(z.string()),
  source: z.string(),
  verdict: z.enum(checkVerdicts),
  /** Why there is no answer; null for pass and fail. */
  reason: z.string().nullable(),
  /** What to do where it failed. */
  remedy: z.string(),
  evidence: z.array(evidenceSchema),
  durationMs: ms,
  run: ofRunSchema,
});
export type CheckResult = z.infer<typeof checkResultSchema>;

/** `skipped`: a step before it did not hold. */
export const stepVerdicts = ["verified", "refused", "failed", "skipped"] as const;
export type StepVerdict = (typeof stepVerdicts)[number];

/** One step of a procedure that was carried out, or of its verification. */
export const stepResultSchema = z.strictObject({
  /** `existing/migrate`; never changes. */
  id: z.string(),
  /** What belongs together under one heading, in words. */
  part: z.string(),
  title: z.string(),
  /** What the procedure's own description promises here. */
  says: z.string(),
  verdict: z.enum(stepVerdicts),
  /** Why it is not verified; null where it is. */
  reason: z.string().nullable(),
  /** What to do then. */
  remedy: z.string().nullable(),
  /** What the verdict rests on, in sentences; never a plaintext, a DEK or a credential. */
  evidence: z.array(z.string()),
  startMs: ms,
  durationMs: ms,
});
export type StepResult = z.infer<typeof stepResultSchema>;

/** A call of the KMS as the cloud's own audit trail recorded it; no plaintext and no ciphertext is part of it. */
export const kmsEventSchema = z.strictObject({
  /** UTC. */
  time: z.iso.datetime(),
  /** The name of the API, `Encrypt`. */
  name: z.string(),
  user: z.string(),
  /** Null where the call named none, or the trail does not tell. */
  keyId: z.string().nullable(),
  keyVersionId: z.string().nullable(),
  /** Null where the call was answered. */
  errorCode: z.string().nullable(),
  requestId: z.string(),
});
export type KmsEvent = z.infer<typeof kmsEventSchema>;

/** What the client can measure at best on this machine; a figure below three floors says more of the client than of what it measured. */
export const floorSchema = z.strictObject({
  /** A call to a server that does nothing, on the same kind of socket, by name (`grpc-unix`, `https`). */
  roundTrips: z.record(z.string(), latencySchema),
  /** How late the event loop of an idle client is. */
  eventLoopDelay: latencySchema,
  /** The smallest step of the clock that was seen, ns. */
  clockResolutionNs: z.number().nonnegative(),
  /** How late a request of an open load was sent while nothing was in its way. */
  sendDelay: latencySchema.nullable(),
});
export type Floor = z.infer<typeof floorSchema>;

/** What a benchmark answers to its question. */
export const findingSchema = z.strictObject({ benchmark: z.string(), text: z.string() });
export type Finding = z.infer<typeof findingSchema>;

/** A condition on a metric of the result, as it was given with --threshold. */
export const thresholdSchema = z.strictObject({
  expression: z.string(),
  holds: z.boolean(),
  /** What was measured, in words; why it does not hold where nothing was. */
  measured: z.string(),
});
export type Threshold = z.infer<typeof thresholdSchema>;

export const refusalSchema = z.strictObject({ kind: z.enum(targetKinds), reason: z.string(), remedy: z.string() });

/** What the run was measured on. */
export const headerSchema = z.strictObject({
  runId: z.string(),
  command: z.string(),
  /** The command's words, as they were given. */
  arguments: z.array(z.string()),
  startedAt: z.iso.datetime(),
  seed: z.string(),
  /** Whether a SHOULD that fails counts as much as a MUST. */
  strict: z.boolean().default(false),
  kmsmark: z.string(),
  machine: z.strictObject({
    cpu: z.string(),
    cpus: count,
    memoryBytes: count,
    system: z.string(),
    node: z.string(),
  }),
  /** Null where no control plane had a part in it, as when a plugin alone is checked. */
  target: z
    .strictObject({
      kind: z.enum(targetKinds),
      kubernetes: z.string(),
      etcd: z.string().nullable(),
      /** True for the embedded model, whose figures are never kube-apiserver's. */
      isModel: z.boolean(),
      refused: z.array(refusalSchema),
    })
    .nullable(),
  /** In words: `bundled plugin, provider local` or the socket of another one; null where none was used. */
  plugin: z.string().nullable(),
  clock: z.strictObject({
    /** The smallest step between two readings of the clock that was seen. */
    resolutionNs: z.number().nonnegative(),
  }),
  /** Sentences a reader has to know to read the figures rightly. */
  notes: z.array(z.string()),
});
export type Header = z.infer<typeof headerSchema>;

export const statuses = ["complete", "failed", "interrupted", "cut off"] as const;

/** One of the runs that a result was merged of. */
export const mergedRunSchema = z.strictObject({
  header: headerSchema,
  status: z.enum(statuses),
  fault: z.string().nullable(),
  durationMs: ms,
});

export const resultSchema = z.strictObject({
  version: z.literal(resultVersion),
  header: headerSchema,
  /** `cut off`: the journal ends without an end, as after kill -9. */
  status: z.enum(statuses),
  /** Why, where the status is not complete. */
  fault: z.string().nullable(),
  durationMs: ms,
  cells: z.array(cellSchema),
  /** Empty for a benchmark, and in what was written before there were checks. */
  checks: z.array(checkResultSchema).default([]),
  /** Of a procedure; empty otherwise, as are the events. */
  steps: z.array(stepResultSchema).default([]),
  /** In the order of their times. */
  kmsEvents: z.array(kmsEventSchema).default([]),
  floor: floorSchema.nullable().default(null),
  findings: z.array(findingSchema).default([]),
  thresholds: z.array(thresholdSchema).default([]),
  /** What `kmsmark plan` predicted; null for what was measured or checked. */
  plan: planSchema.nullable().default(null),
  /** What each of the runs was measured on that this result was merged of, in the order of their cells; empty for the result of one run. */
  runs: z.array(mergedRunSchema).default([]),
});
export type Result = z.infer<typeof resultSchema>;

/** A line of the journal. `atMs` counts from the run's start. */
export const journalEntrySchema = z.discriminatedUnion("event", [
  z.strictObject({ atMs: ms, event: z.literal("header"), version: z.literal(resultVersion), header: headerSchema }),
  z.strictObject({ atMs: ms, event: z.literal("cell-started"), ...cellOriginSchema, provider: z.enum(benchProviders), secrets: count }),
  z.strictObject({ atMs: ms, event: z.literal("phase-started"), name: phaseNameSchema, due: count }),
  /** How far a phase that takes long has come: what is known of it where the run is cut off. Both count since the phase's start. */
  z.strictObject({ atMs: ms, event: z.literal("phase-progress"), done: count, kmsCalls: count }),
  z.strictObject({ atMs: ms, event: z.literal("phase"), phase: phaseSchema }),
  z.strictObject({ atMs: ms, event: z.literal("envelopes"), check: envelopeCheckSchema }),
  z.strictObject({ atMs: ms, event: z.literal("cell-ended"), fault: z.string().nullable() }),
  z.strictObject({ atMs: ms, event: z.literal("check-started"), id: z.string() }),
  z.strictObject({ atMs: ms, event: z.literal("check"), result: checkResultSchema }),
  z.strictObject({ atMs: ms, event: z.literal("step-started"), id: z.string() }),
  z.strictObject({ atMs: ms, event: z.literal("step"), result: stepResultSchema }),
  z.strictObject({ atMs: ms, event: z.literal("kms-events"), events: z.array(kmsEventSchema) }),
  z.strictObject({ atMs: ms, event: z.literal("floor"), floor: floorSchema }),
  z.strictObject({ atMs: ms, event: z.literal("finding"), finding: findingSchema }),
  z.strictObject({ atMs: ms, event: z.literal("thresholds"), thresholds: z.array(thresholdSchema) }),
  z.strictObject({ atMs: ms, event: z.literal("plan"), plan: planSchema }),
  z.strictObject({ atMs: ms, event: z.literal("note"), text: z.string() }),
  z.strictObject({
    atMs: ms,
    event: z.literal("end"),
    status: z.enum(["complete", "failed", "interrupted"]),
    fault: z.string().nullable(),
  }),
]);
export type JournalEntry = z.infer<typeof journalEntrySchema>;
/** The same before what it leaves out is filled in. */
export type JournalInput = z.input<typeof journalEntrySchema>;
