import { createHash } from "node:crypto";
import { Counter, exponentialBuckets, Gauge, Histogram, Registry } from "prom-client";
import type { Clock } from "../../clock.ts";
import { keyIdHash } from "../../model/index.ts";

/** Direction of a transform as the metrics name it. */
export type TransformationType = "from_storage" | "to_storage";

/** Label sets of key_id series that are kept at once (spec encryption-at-rest 5). */
const keyIdSeriesMax = 100;

const apiServerIdHash = `sha256:${createHash("sha256").update("apiserver-kmsmark-model").digest("hex")}`;

/**
 * The metrics of one life of the API server, under kube-apiserver's own names and labels (spec encryption-at-rest 5). A restart begins with
 * new ones, as a new process does.
 */
export class ApiServerMetrics {
  readonly #registry = new Registry();
  readonly #clock: Clock;
  readonly #lastArrivalMs = new Map<TransformationType, number>();
  readonly #keyIdSeries = new Set<string>();

  readonly #transformations = this.#counter("storage_transformation_operations_total", "Total number of transformations.", [
    "resource",
    "status",
    "transformation_type",
    "transformer_prefix",
  ]);
  readonly #transformationDuration = this.#histogram(
    "storage_transformation_duration_seconds",
    "Latencies in seconds of value transformation operations.",
    ["transformation_type", "transformer_prefix"],
    exponentialBuckets(5e-6, 2, 25),
  );
  readonly #cacheMisses = this.#counter(
    "storage_envelope_transformation_cache_misses_total",
    "Total number of cache misses while accessing key decryption key(KEK).",
    [],
  );
  readonly #keyGeneration = this.#histogram(
    "storage_data_key_generation_duration_seconds",
    "Latencies in seconds of data encryption key(DEK) generation operations.",
    [],
    exponentialBuckets(5e-6, 2, 14),
  );
  readonly #cacheFill = this.#gauge(
    "envelope_encryption_dek_cache_fill_percent",
    "Percent of the cache slots currently occupied by cached DEKs.",
    [],
  );
  readonly #interArrival = this.#histogram(
    "envelope_encryption_dek_cache_inter_arrival_time_seconds",
    "Time (in seconds) of inter arrival of transformation requests.",
    ["transformation_type"],
    exponentialBuckets(60, 2, 10),
  );
  readonly #kmsLatency = this.#histogram(
    "envelope_encryption_kms_operations_latency_seconds",
    "KMS operation duration with gRPC error code status total.",
    ["provider_name", "method_name", "grpc_status_code"],
    exponentialBuckets(0.0001, 2, 20),
  );
  readonly #keyIds = this.#counter(
    "envelope_encryption_key_id_hash_total",
    "Number of times a keyID is used split by transformation type, provider, and apiserver identity.",
    ["transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"],
  );
  readonly #keyIdTime = this.#gauge(
    "envelope_encryption_key_id_hash_last_timestamp_seconds",
    "The last time in seconds when a keyID was used.",
    ["transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"],
  );
  readonly #statusKeyIdTime = this.#gauge(
    "envelope_encryption_key_id_hash_status_last_timestamp_seconds",
    "The last time in seconds when a keyID was returned by the Status RPC call.",
    ["provider_name", "key_id_hash", "apiserver_id_hash"],
  );
  readonly #invalidKeyIds = this.#counter(
    "envelope_encryption_invalid_key_id_from_status_total",
    "Number of times an invalid keyID is returned by the Status RPC call split by error.",
    ["provider_name", "error"],
  );
  readonly #dekSources = this.#gauge(
    "envelope_encryption_dek_source_cache_size",
    "Number of records in data encryption key (DEK) source cache.",
    ["provider_name"],
  );
  readonly #consistencyChecks = this.#counter(
    "storage_consistency_checks_total",
    "Counter for status of consistency checks between etcd and watch cache",
    ["group", "resource", "status"],
  );

  readonly #reloads = this.#counter(
    "encryption_config_controller_automatic_reloads_total",
    "Total number of reload successes and failures of encryption configuration split by apiserver identity.",
    ["status", "apiserver_id_hash"],
  );
  readonly #reloadTime = this.#gauge(
    "encryption_config_controller_automatic_reload_last_timestamp_seconds",
    "Timestamp of the last successful or failed automatic reload of encryption configuration split by apiserver identity.",
    ["status", "apiserver_id_hash"],
  );
  readonly #configuration = this.#gauge(
    "encryption_config_controller_last_config_info",
    "Information about the last applied encryption configuration with hash as label, split by apiserver identity.",
    ["apiserver_id_hash", "hash"],
  );

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The Prometheus text of all metrics. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** One attempt of one transformer; its duration, in seconds, only counts where it succeeded. */
  recordTransformation(resource: string, type: TransformationType, prefix: string, status: string, seconds: number): void {
    this.#transformations.inc({ resource, status, transformation_type: type, transformer_prefix: prefix });
    if (status === "OK") this.#transformationDuration.observe({ transformation_type: type, transformer_prefix: prefix }, seconds);
  }

  recordCacheMiss(): void {
    this.#cacheMisses.inc();
  }

  recordKeyGeneration(seconds: number): void {
    this.#keyGeneration.observe(seconds);
  }

  /** KMS v1 only: a transform arrived. */
  recordArrival(type: TransformationType): void {
    const nowMs = this.#clock.monotonicMs();
    this.#interArrival.observe({ transformation_type: type }, (nowMs - (this.#lastArrivalMs.get(type) ?? nowMs)) / 1000);
    this.#lastArrivalMs.set(type, nowMs);
  }

  /** KMS v1 only: the fraction of the cache that is in use, 0 to 1. */
  recordCacheFill(fraction: number): void {
    this.#cacheFill.set(fraction);
  }

  /** KMS v2 only. */
  recordKmsOperation(provider: string, method: string, status: string, seconds: number): void {
    this.#kmsLatency.observe({ provider_name: provider, method_name: method, grpc_status_code: status }, seconds);
  }

  /** KMS v2 only: a transform used a key_id. The series of the least recently used ones are dropped. */
  recordKeyId(type: TransformationType, provider: string, keyId: string): void {
    const labels = keyIdLabels(type, provider, keyIdHash(keyId));
    const series = JSON.stringify(labels);
    this.#keyIdSeries.delete(series);
    this.#keyIdSeries.add(series);
    this.#keyIds.inc(labels);
    this.#keyIdTime.set(labels, this.#clock.wallMs() / 1000);
    for (const oldest of this.#keyIdSeries) {
      if (this.#keyIdSeries.size <= keyIdSeriesMax) break;
      this.#keyIdSeries.delete(oldest);
      const { transformation_type, provider_name, key_id_hash }: ReturnType<typeof keyIdLabels> = JSON.parse(oldest);
      const evicted = keyIdLabels(transformation_type, provider_name, key_id_hash);
      this.#keyIds.remove(evicted);
      this.#keyIdTime.remove(evicted);
    }
  }

  recordStatusKeyId(provider: string, keyId: string): void {
    const labels = { provider_name: provider, key_id_hash: keyIdHash(keyId), apiserver_id_hash: apiServerIdHash };
    this.#statusKeyIdTime.set(labels, this.#clock.wallMs() / 1000);
  }

  recordInvalidKeyId(provider: string, error: "empty" | "too_long"): void {
    this.#invalidKeyIds.inc({ provider_name: provider, error });
  }

  recordDekSources(provider: string, count: number): void {
    this.#dekSources.set({ provider_name: provider }, count);
  }

  recordConsistencyCheck(resource: string, status: "success" | "failure" | "error"): void {
    this.#consistencyChecks.inc({ group: "", resource, status });
  }

  recordReload(status: "success" | "failure"): void {
    const labels = { status, apiserver_id_hash: apiServerIdHash };
    this.#reloads.inc(labels);
    this.#reloadTime.set(labels, this.#clock.wallMs() / 1000);
  }

  /** The file that is in force, by its hash alone. */
  recordConfiguration(hash: string): void {
    this.#configuration.reset();
    this.#configuration.set({ apiserver_id_hash: apiServerIdHash, hash }, 1);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: `apiserver_${name}`, help: `[ALPHA] ${help}`, labelNames, registers: [this.#registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> {
    return new Gauge({ name: `apiserver_${name}`, help: `[ALPHA] ${help}`, labelNames, registers: [this.#registry] });
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: readonly Label[], buckets: number[]): Histogram<Label> {
    return new Histogram({ name: `apiserver_${name}`, help: `[ALPHA] ${help}`, labelNames, buckets, registers: [this.#registry] });
  }
}

function keyIdLabels(type: TransformationType, provider: string, hash: string) {
  return { transformation_type: type, provider_name: provider, key_id_hash: hash, apiserver_id_hash: apiServerIdHash };
}
