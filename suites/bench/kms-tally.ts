import type { TapRecord } from "../../harness/kms/tap-record.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { KmsMethod } from "../../harness/run/schema.ts";

interface MethodTally {
  calls: number;
  failed: number;
  probes: number;
  readonly latency: LatencyHistogram;
}

/** The KMS calls of one phase by method, added up from the tap's records. */
export class KmsTally {
  #methods = new Map<TapRecord["method"], MethodTally>();

  add({ method, grpcCode, purpose, durationMs }: TapRecord): void {
    let tally = this.#methods.get(method);
    if (tally === undefined) {
      tally = { calls: 0, failed: 0, probes: 0, latency: LatencyHistogram.empty() };
      this.#methods.set(method, tally);
    }
    tally.calls++;
    if (grpcCode !== 0) tally.failed++;
    if (purpose === "probe") tally.probes++;
    tally.latency.recordMs(durationMs);
  }

  /** Calls that did work, health probes left out. */
  work(method: TapRecord["method"]): number {
    const tally = this.#methods.get(method);
    return tally === undefined ? 0 : tally.calls - tally.probes;
  }

  get total(): number {
    return [...this.#methods.values()].reduce((sum, { calls }) => sum + calls, 0);
  }

  /** As a run folder keeps it; only methods that were called. */
  toPhase(): Record<string, KmsMethod> {
    return Object.fromEntries([...this.#methods].map(([method, tally]) => [method, { ...tally, latency: tally.latency.toLatency() }]));
  }
}
