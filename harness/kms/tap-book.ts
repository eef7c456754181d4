import { createHash } from "node:crypto";
import type { TapMethod } from "./fault.ts";
import type { TapRecord } from "./tap-record.ts";

/** Calls that have ended, since the tap started. */
export interface TapCount {
  readonly calls: number;
  /** With a gRPC status other than OK. */
  readonly failed: number;
  /** KMS v1's health checks. */
  readonly probes: number;
}

/** Both KMS versions together. */
export type TapCounts = Readonly<Record<TapMethod, TapCount>>;

/** Some 200 MB; a tap whose records nobody fetches says so and drops the newer ones. */
const recordsMax = 1_000_000;
const problemsMax = 100;
/** A probe's ciphertext is decrypted at once; several API servers may probe at the same time. */
const probesRemembered = 64;

/** What the tap has seen of all its connections. */
export class TapBook {
  #onRecord: ((record: TapRecord) => void) | undefined;
  #records: TapRecord[] = [];
  #counts = {
    Status: { calls: 0, failed: 0, probes: 0 },
    Version: { calls: 0, failed: 0, probes: 0 },
    Encrypt: { calls: 0, failed: 0, probes: 0 },
    Decrypt: { calls: 0, failed: 0, probes: 0 },
  };
  #problems = new Set<string>();
  #probeDigests = new Set<string>();
  #nextSequence = 0;
  /** What the plugin called its key in the last Status that it answered; undefined before one. */
  lastKeyId: string | undefined;
  /** Calls that have begun and not ended. */
  inFlight = 0;

  /** @param onRecord - gets every record as its call ends; without it they are kept for {@link drain}. */
  constructor(onRecord?: (record: TapRecord) => void) {
    this.#onRecord = onRecord;
  }

  nextSequence(): number {
    return this.#nextSequence++;
  }

  add(record: TapRecord): void {
    const count = this.#counts[record.method];
    count.calls++;
    if (record.grpcCode !== 0) count.failed++;
    if (record.purpose === "probe") count.probes++;
    if (record.method === "Status" && record.grpcCode === 0 && record.keyId !== "") this.lastKeyId = record.keyId;
    if (this.#onRecord !== undefined) this.#onRecord(record);
    else if (this.#records.length < recordsMax) this.#records.push(record);
    else this.addProblem(`More than ${recordsMax} records were not fetched; those after them are lost.`);
  }

  /** The records of the calls that ended since the last time, in the order in which they ended. */
  drain(): TapRecord[] {
    const drained = this.#records;
    this.#records = [];
    return drained;
  }

  counts(): TapCounts {
    const { Status, Version, Encrypt, Decrypt } = this.#counts;
    return { Status: { ...Status }, Version: { ...Version }, Encrypt: { ...Encrypt }, Decrypt: { ...Decrypt } };
  }

  addProblem(sentence: string): void {
    if (this.#problems.size < problemsMax) this.#problems.add(sentence);
  }

  problems(): string[] {
    return [...this.#problems];
  }

  /** Remembers what a probe's Encrypt returned, by its digest. */
  addProbe(ciphertext: Uint8Array): void {
    this.#probeDigests.add(digestOf(ciphertext));
    for (const oldest of this.#probeDigests) {
      if (this.#probeDigests.size <= probesRemembered) return;
      this.#probeDigests.delete(oldest);
    }
  }

  isOfProbe(ciphertext: Uint8Array): boolean {
    return this.#probeDigests.size > 0 && this.#probeDigests.has(digestOf(ciphertext));
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}
