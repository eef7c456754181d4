import { LatencyHistogram } from "../load/histogram.ts";
import type { KmsVersion } from "./contract.ts";
import { type TapMethod, tapMethods } from "./fault.ts";
import type { TapRecord } from "./tap-record.ts";

/** One method of one KMS version. */
export interface CallSummary {
  readonly kms: KmsVersion;
  readonly method: TapMethod;
  readonly calls: number;
  /** With a gRPC status other than OK. */
  readonly failed: number;
  /** KMS v1's health checks. */
  readonly probes: number;
  /** Milliseconds, of all calls, failed ones included. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Sums records up, whatever their number, in fixed memory. */
export class TapSummary {
  #lines = new Map<string, { kms: KmsVersion; method: TapMethod; failed: number; probes: number; latency: LatencyHistogram }>();

  add({ kms, method, grpcCode, purpose, durationMs }: TapRecord): void {
    const name = `${kms} ${method}`;
    const line = this.#lines.get(name) ?? { kms, method, failed: 0, probes: 0, latency: LatencyHistogram.empty() };
    this.#lines.set(name, line);
    if (grpcCode !== 0) line.failed++;
    if (purpose === "probe") line.probes++;
    line.latency.recordMs(durationMs);
  }

  /** Of the methods that were called, in the order of the contract. */
  toJson(): CallSummary[] {
    return [...this.#lines.values()]
      .sort((a, b) => a.kms.localeCompare(b.kms) || tapMethods.indexOf(a.method) - tapMethods.indexOf(b.method))
      .map(({ kms, method, failed, probes, latency }) => ({
        kms,
        method,
        calls: latency.count,
        failed,
        probes,
        p50Ms: latency.quantileNs(50) / 1e6,
        p99Ms: latency.quantileNs(99) / 1e6,
        maxMs: latency.quantileNs(100) / 1e6,
      }));
  }

  /** `Encrypt 12, Decrypt 40 (2 failed), 3.0 calls/s`. */
  sentence(perSecond: number): string {
    const parts = tapMethods.flatMap((method) => {
      const lines = [...this.#lines.values()].filter((line) => line.method === method);
      const calls = lines.reduce((sum, { latency }) => sum + latency.count, 0);
      const failed = lines.reduce((sum, line) => sum + line.failed, 0);
      return calls === 0 ? [] : [`${method} ${calls}${failed === 0 ? "" : ` (${failed} failed)`}`];
    });
    return [...(parts.length === 0 ? ["no calls yet"] : parts), `${perSecond.toFixed(1)} calls/s`].join(", ");
  }
}
