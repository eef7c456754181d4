import type { TapRecord } from "../../harness/kms/tap-record.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { KmsMethod } from "../../harness/run/schema.ts";

interface MethodTally {
  calls: number;
  failed: number;
  probes: number;
  /** Those that did work and succeeded. */
  answered: number;
  readonly latency: LatencyHistogram;
}

/** The KMS calls of one phase by method, added up from the tap's records. */
export class KmsTally {
  #methods = new Map<TapRecord["method"], MethodTally>();
  /** Encrypt and Decrypt calls that did work, by the number of the API server. */
  #workByServer = new Map<number, number>();

  /** @param apiServer - whose call it was; counts from 1 */
  add({ method, grpcCode, purpose, durationMs }: TapRecord, apiServer = 1): void {
    if (purpose === "work" && (method === "Encrypt" || method === "Decrypt")) {
      this.#workByServer.set(apiServer, (this.#workByServer.get(apiServer) ?? 0) + 1);
    }
    let tally = this.#methods.get(method);
    if (tally === undefined) {
      tally = { calls: 0, failed: 0, probes: 0, answered: 0, latency: LatencyHistogram.empty() };
      this.#methods.set(method, tally);
    }
    tally.calls++;
    if (grpcCode !== 0) tally.failed++;
    if (purpose === "probe") tally.probes++;
    else if (grpcCode === 0) tally.answered++;
    tally.latency.recordMs(durationMs);
  }

  /** Calls that did work, health probes left out. */
  work(method: TapRecord["method"]): number {
    const tally = this.#methods.get(method);
    return tally === undefined ? 0 : tally.calls - tally.probes;
  }

  /** Calls that did work and succeeded, health probes left out. */
  answered(method: TapRecord["method"]): number {
    return this.#methods.get(method)?.answered ?? 0;
  }

  /** Calls that did not succeed, health probes among them. */
  failed(method: TapRecord["method"]): number {
    return this.#methods.get(method)?.failed ?? 0;
  }

  get total(): number {
    return [...this.#methods.values()].reduce((sum, { calls }) => sum + calls, 0);
  }

  /** How many calls there were of each method that was called. */
  get calls(): Record<string, number> {
    return Object.fromEntries([...this.#methods].map(([method, { calls }]) => [method, calls]));
  }

  /** Encrypt and Decrypt calls of each of so many API servers, as figures of a phase. */
  workByServer(apiServers: number): Record<string, number> {
    return Object.fromEntries(
      Array.from({ length: apiServers }, (_, at) => [`apiServer${at + 1}KmsCalls`, this.#workByServer.get(at + 1) ?? 0]),
    );
  }

  /** As a run folder keeps it; only methods that were called. */
  toPhase(): Record<string, KmsMethod> {
    return Object.fromEntries(
      [...this.#methods].map(([method, { calls, failed, probes, latency }]) => [
        method,
        { calls, failed, probes, latency: latency.toLatency() },
      ]),
    );
  }
}
