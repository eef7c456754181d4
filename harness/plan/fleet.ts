import { z } from "zod";
import { KmsmarkError, UsageError } from "../errors.ts";
import { defaultVersions, parseKubernetesVersion } from "../target/install/versions.ts";
import { decimal, duration, latency, whole, word } from "./quantity.ts";

const secondMs = 1000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The newest minor version whose behaviour is known (spec encryption-at-rest 9). */
const newestMinor = 37;

const kubernetes = z.string("takes a version such as v1.37.2").transform((given, context) => {
  try {
    const version = parseKubernetesVersion(given);
    if (minorOf(version) <= newestMinor) return version;
    context.issues.push({ code: "custom", message: `knows Kubernetes up to v1.${newestMinor}, not ${version}`, input: given });
  } catch (thrown) {
    if (!(thrown instanceof KmsmarkError)) throw thrown;
    context.issues.push({ code: "custom", message: `takes a version from v1.29 to v1.${newestMinor}, not "${given}"`, input: given });
  }
  return z.NEVER;
});

const cacheSize = z.union([z.number(), z.string()]).transform((given, context) => {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value !== 0 && Math.abs(value) <= 2 ** 31 - 1) return value;
  context.issues.push({
    code: "custom",
    message: `takes a whole number other than 0, negative for no cache, not "${given}"`,
    input: given,
  });
  return z.NEVER;
});

/**
 * What is planned for: a region of like clusters, what is done to them, and the KMS that they share. Durations are milliseconds, rates a second and cluster;
 * the file and the command line write durations as `40ms` or `30d`.
 */
export const fleetSchema = z.strictObject({
  clusters: whole(1, 100_000).default(1).describe("Clusters that share the quota"),
  apiServers: whole(1, 100).default(3).describe("API servers of each cluster"),
  kubernetes: kubernetes
    .default(defaultVersions.kubernetesVersion)
    .describe("Version of Kubernetes; it decides how an API server restarts"),
  kms: word(["v1", "v2"]).default("v2").describe("Version of the KMS plugin's API"),
  cachesize: cacheSize.default(1000).describe("DEKs that KMS v1 caches; negative for none"),
  timeout: duration(1, 10 * 60 * secondMs)
    .default(3000)
    .describe("Timeout of a call in the encryption configuration"),
  secrets: whole(1, 1_000_000_000).describe("Secrets of each cluster"),
  secretSize: whole(1, 1_500_000).default(2000).describe("Bytes of a Secret as it is encoded, on average"),
  growth: whole(0, 1_000_000_000).default(0).describe("Secrets that each cluster gains a day"),
  otherObjects: whole(0, 1_000_000_000).default(0).describe("Objects of other encrypted resources in each cluster"),
  otherResources: whole(0, 1000).default(0).describe("How many other resources are encrypted"),
  dekSources: whole(1, 1_000_000).optional().describe("Distinct encrypted seeds of KMS v2 in store; one an API server if not given"),
  reads: decimal(0, 1_000_000).default(0).describe("Reads of single Secrets from etcd a second, per cluster"),
  writes: decimal(0, 1_000_000).default(0).describe("Writes of Secrets a second, per cluster"),
  lists: decimal(0, 1_000_000).default(0).describe("Lists of all Secrets a second, per cluster"),
  watchers: whole(0, 100_000_000).default(0).describe("Clients that watch Secrets, per cluster"),
  reload: z
    .union([z.boolean(), word(["true", "false"])])
    .transform((given) => given === true || given === "true")
    .default(false)
    .describe("Whether the API servers reload their encryption configuration by themselves"),
  healthInterval: duration(secondMs, dayMs)
    .default(10 * secondMs)
    .describe("Between two probes of an API server's readyz"),
  serverStart: duration(0, hourMs)
    .default(2 * secondMs)
    .describe("An API server's own time to start, with nothing to decrypt"),
  listStart: duration(0, hourMs).default(1500).describe("From an API server's start until it lists its Secrets"),
  objectTime: duration(0, secondMs).default(0.1).describe("An API server's own time to fetch and decode an object when it starts"),
  rolloutEvery: duration(hourMs, 3650 * dayMs)
    .optional()
    .describe("Between two rollouts, which restart every API server"),
  rolloutGap: duration(0, dayMs)
    .default(60 * secondMs)
    .describe("Between the restarts of two API servers of one cluster"),
  rolloutSpread: duration(0, dayMs).default(hourMs).describe("Over which the rollouts of all clusters are spread"),
  rotationEvery: duration(hourMs, 3650 * dayMs)
    .optional()
    .describe("Between two rotations of the key, each followed by a migration"),
  migrationRate: decimal(0.01, 100_000).default(50).describe("Secrets that a migration rewrites a second, per cluster"),
  callsPerStatus: whole(0, 100).default(0).describe("Calls of the KMS that the plugin makes for one Status"),
  coalesce: z
    .union([z.boolean(), word(["true", "false"])])
    .transform((given) => given === true || given === "true")
    .default(false)
    .describe("Whether the plugin answers equal Decrypts that are under way with one call"),
  kmsLatency: latency(10 * 60 * secondMs)
    .prefault("20ms")
    .describe("Latency of the KMS: 40ms, 10ms..30ms, exp(20ms), quantiles(p50=10ms,p99=80ms)"),
  quota: decimal(0.01, 1e9).optional().describe("Calls a second that the KMS grants all clusters together"),
  onQuota: word(["wait", "refuse"]).default("wait").describe("What the plugin does over the quota: wait for room, or fail the call"),
  outage: duration(secondMs, 30 * dayMs)
    .default(10 * 60 * secondMs)
    .describe("Length of the KMS outage that is played"),
  period: duration(hourMs, 366 * dayMs)
    .default(30 * dayMs)
    .describe("The time that is planned for"),
  prices: z.string("takes the name of a price table").optional().describe("Price table"),
  keys: whole(0, 1_000_000).default(1).describe("Keys that are paid for"),
});

export type Fleet = z.output<typeof fleetSchema>;
export type FleetField = keyof typeof fleetSchema.shape;

/**
 * Reads a description.
 * @param label - how a field is called where it was written
 * @throws UsageError `bad-fleet` that names everything that is wrong, each in one sentence
 */
export function parseFleet(given: unknown, label: (field: string) => string): Fleet {
  const parsed = fleetSchema.safeParse(given);
  const faults = parsed.success ? contradictions(parsed.data, label) : parsed.error.issues.map((issue) => sentence(issue, label));
  if (parsed.success && faults.length === 0) return parsed.data;
  throw new UsageError("bad-fleet", [...new Set(faults)].join(" "), { hint: "`kmsmark plan --help` lists what a plan is made of." });
}

function sentence(issue: z.core.$ZodIssue, label: (field: string) => string): string {
  if (issue.code === "unrecognized_keys") return `A fleet has no field ${issue.keys.map(label).join(", ")}.`;
  const [field] = issue.path;
  if (field === undefined) return "A fleet is described by an object of names and values.";
  if (issue.code === "invalid_type" || issue.code === "invalid_union")
    return `${label(String(field))} must be given, as a number or a word.`;
  return `${label(String(field))} ${issue.message}.`;
}

function contradictions(fleet: Fleet, label: (field: string) => string): string[] {
  const { otherObjects, otherResources, dekSources, secrets, kms } = fleet;
  return [
    ...(otherObjects > 0 !== otherResources > 0 ? [`${label("otherObjects")} and ${label("otherResources")} go together.`] : []),
    ...(otherResources > otherObjects ? [`${label("otherResources")} is more than ${label("otherObjects")}.`] : []),
    ...(dekSources !== undefined && kms === "v1" ? [`${label("dekSources")} is for KMS v2: with v1 every object has one of its own.`] : []),
    ...(dekSources !== undefined && dekSources > secrets + otherObjects ? [`${label("dekSources")} is more than there are objects.`] : []),
  ];
}

/** The minor version of `v1.37.2`. */
export function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

/** Objects that an API server decrypts when it starts. */
export function objectsOf({ secrets, otherObjects }: Pick<Fleet, "secrets" | "otherObjects">): number {
  return secrets + otherObjects;
}

/** From an API server's start until it has fetched what it lists, milliseconds; what the KMS takes comes after it. */
export function listStartMs(fleet: Pick<Fleet, "listStart" | "objectTime" | "secrets" | "otherObjects">): number {
  return fleet.listStart + objectsOf(fleet) * fleet.objectTime;
}

/** Sizes of the resources, Secrets first: each has a watch cache of its own. */
export function resourceSizes({ secrets, otherObjects, otherResources }: Fleet): number[] {
  const share = otherResources === 0 ? 0 : Math.floor(otherObjects / otherResources);
  return [secrets, ...Array.from({ length: otherResources }, (_, at) => (at === 0 ? otherObjects - share * (otherResources - 1) : share))];
}
