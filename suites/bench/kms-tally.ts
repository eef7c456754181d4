import type { Tap } from "../../harness/kms/tap.ts";
import type { TapRecord } from "../../harness/kms/tap-record.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { KmsMethod } from "../../harness/run/schema.ts";
import type { CallTimes } from "../../harness/run/timeline.ts";

interface MethodTally {
  calls: number;
  failed: number;
  probes: number;
  /** Those that did work and succeeded. */
  answered: number;
  readonly latency: LatencyHistogram;
  /** When they began, and those that failed, milliseconds since 1970-01-01T00:00:00Z. */
  readonly begunMs: number[];
  readonly failedMs: number[];
}

/** Where a call was seen. */
interface SeenBy {
  /** Whose call it was; counts from 1. */
  readonly apiServer?: number;
  readonly tap?: Pick<Tap, "startedWallMs">;
}

/** The KMS calls of one phase by method, added up from the tap's records. */
export class KmsTally {
  #methods = new Map<TapRecord["method"], MethodTally>();
  /** Encrypt and Decrypt calls that did work, by the number of the API server. */
  #workByServer = new Map<number, number>();

  add({ method, grpcCode, purpose, startMs, durationMs }: TapRecord, { apiServer = 1, tap }: SeenBy = {}): void {
    if (purpose === "work" && (method === "Encrypt" || method === "Decrypt")) {
      this.#workByServer.set(apiServer, (this.#workByServer.get(apiServer) ?? 0) + 1);
    }
    let tally = this.#methods.get(method);
    if (tally === undefined) {
      tally = { calls: 0, failed: 0, probes: 0, answered: 0, latency: LatencyHistogram.empty(), begunMs: [], failedMs: [] };
      this.#methods.set(method, tally);
    }
    tally.calls++;
    const begunMs = (tap?.startedWallMs ?? 0) + startMs;
    tally.begunMs.push(begunMs);
    if (grpcCode !== 0) {
      tally.failed++;
      tally.failedMs.push(begunMs);
    }
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

  /** When the calls began, milliseconds since a time of the wall clock. */
  timesSince(wallMs: number): Map<string, CallTimes> {
    const since = (times: readonly number[]) => times.map((ms) => ms - wallMs);
    return new Map([...this.#methods].map(([method, of]) => [method, { calls: since(of.begunMs), failed: since(of.failedMs) }]));
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
