import { Agent, request } from "undici";
import { z } from "zod";
import { messageOf, TargetError } from "../errors.ts";
import { type Metrics, parseMetrics, sumOf } from "../load/metrics.ts";
import { ApiProbe } from "./api-probe.ts";
import type { ApiAccess } from "./target.ts";

/** What can be told of a cluster without reading a value: counts by metadata, and what its API server's metrics count. */
export interface ClusterFacts {
  readonly kubernetes: string;
  readonly apiServers: number;
  readonly secrets: number;
  /** Bytes of a Secret on average; undefined where this version does not estimate it. */
  readonly secretSize: number | undefined;
  /** The version of the KMS plugin's API; undefined where no KMS was used yet. */
  readonly kms: "v1" | "v2" | undefined;
  /** DEK sources in the cache of the API server that was asked; KMS v2 alone. */
  readonly dekSources: number | undefined;
  /** Writes and reads of single Secrets a second since that API server started, all API servers taken alike. */
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
  /** Latency of the KMS in quantiles, milliseconds; KMS v2 alone, empty where it was not called. */
  readonly kmsLatency: readonly { readonly fraction: number; readonly ms: number }[];
}

const pageLimit = 500;
/** Names, labels and times of objects, and nothing of their content (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables). */
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const pageSchema = z.object({
  kind: z.literal("PartialObjectMetadataList"),
  metadata: z.object({ continue: z.string().optional() }),
  items: z.array(z.unknown()),
});
const prefixes = [
  "apiserver_envelope_encryption",
  "apiserver_request_total",
  "apiserver_resource_size_estimate_bytes",
  "process_start_time_seconds",
];
const latencyBuckets = /^apiserver_envelope_encryption_kms_operations_latency_seconds_bucket\{.*le="([^"]+)"/;
const fractions = [0.5, 0.9, 0.99] as const;

/**
 * Asks a cluster.
 * @param nowMs - the wall time, to tell a rate from a count
 * @throws TargetError `cluster-unreadable`; the signal's reason
 */
export async function readClusterFacts(api: ApiAccess, nowMs: number, signal: AbortSignal): Promise<ClusterFacts> {
  await using probe = new ApiProbe(api);
  await using client = new MetadataClient(api, signal);
  const kubernetes = await probe.version(signal);
  const secrets = await client.count("/api/v1/secrets");
  const leases = await client.count(
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
    "apiserver.kubernetes.io/identity=kube-apiserver",
  );
  const apiServers = Math.max(1, leases);
  const metrics = parseMetrics(await client.text("/metrics", "text/plain"), prefixes);
  const upSeconds = Math.max(1, nowMs / 1000 - sumOf(metrics, "process_start_time_seconds"));
  const perSecond = (verbs: readonly string[]) =>
    (apiServers * verbs.reduce((sum, verb) => sum + sumOf(metrics, "apiserver_request_total", { resource: "secrets", verb }), 0)) /
    upSeconds;
  const bytes = sumOf(metrics, "apiserver_resource_size_estimate_bytes", { resource: "secrets" });
  const usesV2 = sumOf(metrics, "apiserver_envelope_encryption_kms_operations_latency_seconds_count") > 0;
  const usesV1 = sumOf(metrics, "apiserver_envelope_encryption_dek_cache_inter_arrival_time_seconds_count") > 0;
  const sources = sumOf(metrics, "apiserver_envelope_encryption_dek_source_cache_size");
  return {
    kubernetes,
    apiServers,
    secrets,
    secretSize: bytes > 0 && secrets > 0 ? Math.max(1, Math.round(bytes / secrets)) : undefined,
    kms: usesV2 ? "v2" : usesV1 ? "v1" : undefined,
    dekSources: usesV2 && sources > 0 ? sources : undefined,
    writesPerSecond: perSecond(["POST", "PUT", "PATCH"]),
    readsPerSecond: perSecond(["GET"]),
    kmsLatency: latencyOf(metrics),
  };
}

/** The upper ends of the buckets in which the quantiles of Encrypt and Decrypt lie. */
function latencyOf(metrics: Metrics): { fraction: number; ms: number }[] {
  const buckets = new Map<number, number>();
  for (const [series, value] of metrics) {
    const [, end] = latencyBuckets.exec(series) ?? [];
    if (end === undefined || !/Encrypt|Decrypt/.test(series)) continue;
    const seconds = end === "+Inf" ? Number.POSITIVE_INFINITY : Number(end);
    buckets.set(seconds, (buckets.get(seconds) ?? 0) + value);
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return [];
  const finite = sorted.filter(([end]) => Number.isFinite(end));
  return fractions.flatMap((fraction) => {
    const bucket = finite.find(([, below]) => below >= fraction * total) ?? finite.at(-1);
    return bucket === undefined ? [] : [{ fraction, ms: bucket[0] * 1000 }];
  });
}

/** Reads lists as metadata alone, page by page. */
class MetadataClient implements AsyncDisposable {
  readonly #api: ApiAccess;
  readonly #signal: AbortSignal;
  readonly #agent: Agent;

  constructor(api: ApiAccess, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
    const { identity } = api;
    this.#agent = new Agent({
      connect: { ca: api.caPem, ...(identity.kind === "certificate" ? { cert: identity.certificatePem, key: identity.keyPem } : {}) },
    });
  }

  /** How many objects there are. */
  async count(path: string, labelSelector = ""): Promise<number> {
    let count = 0;
    for (let token: string | undefined = ""; token !== undefined; ) {
      const query = new URLSearchParams({
        limit: String(pageLimit),
        ...(token === "" ? {} : { continue: token }),
        ...(labelSelector === "" ? {} : { labelSelector }),
      });
      const page = pageSchema.safeParse(JSON.parse(await this.text(`${path}?${query}`, metadataOnly)));
      if (!page.success) throw this.#unreadable(`${path} is not answered as metadata alone`);
      count += page.data.items.length;
      token = page.data.metadata.continue === "" ? undefined : page.data.metadata.continue;
    }
    return count;
  }

  async text(path: string, accept: string): Promise<string> {
    const { identity, url } = this.#api;
    const headers = { accept, ...(identity.kind === "token" ? { authorization: `Bearer ${identity.token}` } : {}) };
    try {
      const response = await request(`${url}${path}`, { dispatcher: this.#agent, signal: this.#signal, headers });
      const text = await response.body.text();
      if (response.statusCode === 200) return text;
      throw this.#unreadable(`${path.split("?")[0]} answers HTTP ${response.statusCode}`);
    } catch (thrown) {
      this.#signal.throwIfAborted();
      if (thrown instanceof TargetError) throw thrown;
      throw this.#unreadable(messageOf(thrown));
    }
  }

  #unreadable(why: string): TargetError {
    return new TargetError("cluster-unreadable", `The cluster at ${this.#api.url} cannot be read: ${why}.`, {
      hint: "The kubeconfig's user must be allowed to list secrets and leases and to get /metrics.",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}
