import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ColumnOption, stringify } from "csv-stringify";
import type { TapRecord } from "../kms/tap-record.ts";
import { folderFault } from "./folder-fault.ts";
import type { BenchProvider, Latency, Parameters, PhaseName } from "./schema.ts";

/** The cell and the phase that a sample belongs to. */
export interface SampleOrigin {
  readonly benchmark: string;
  readonly provider: BenchProvider;
  readonly secrets: number;
  readonly parameters: Parameters;
  readonly round: number;
  readonly phase: PhaseName;
}

/** One request of a phase. Times are milliseconds since the phase's start. */
export interface RequestSample extends SampleOrigin {
  /** Counts from 0 in the order of the due times. */
  readonly index: number;
  readonly dueMs: number;
  /** Null for a request that was dropped. */
  readonly sentMs: number | null;
  /** Null where no answer came. */
  readonly doneMs: number | null;
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
}

/** One KMS call as the tap saw it; its times count from the tap's start. */
export interface KmsCallSample extends SampleOrigin, TapRecord {
  /** Whose call it was; counts from 1, and is 0 where several API servers share the tap. */
  readonly apiServer: number;
}

/** One second of a phase. */
export interface SecondSample extends SampleOrigin {
  /** Counts from the phase's start, 0 first. */
  readonly second: number;
  readonly ok: number;
  readonly failed: number;
  readonly dropped: number;
  /** Of the successful requests that fell due in it; null where there was none. */
  readonly latency: Latency | null;
}

/** A row of `seconds.csv`: latencies in nanoseconds, empty where there is none. */
type SecondRow = Omit<SecondSample, "latency"> & {
  readonly [Name in keyof Omit<Latency, "unit" | "count" | "mean">]: Latency[Name] | null;
};

const originColumns = [
  { key: "benchmark" },
  { key: "provider" },
  { key: "secrets" },
  { key: "parameters" },
  { key: "round" },
  { key: "phase" },
];

const requestColumns: readonly ColumnOption[] = [
  ...originColumns,
  { key: "index" },
  { key: "dueMs", header: "due_ms" },
  { key: "sentMs", header: "sent_ms" },
  { key: "doneMs", header: "done_ms" },
  { key: "status" },
];

/** The columns of a {@link TapRecord}. */
export const tapRecordColumns: readonly ColumnOption[] = [
  { key: "sequence" },
  { key: "kms" },
  { key: "method" },
  { key: "purpose" },
  { key: "uid" },
  { key: "keyId", header: "key_id" },
  { key: "requestBytes", header: "request_bytes" },
  { key: "responseBytes", header: "response_bytes" },
  { key: "startMs", header: "start_ms" },
  { key: "durationMs", header: "duration_ms" },
  { key: "grpcCode", header: "grpc_code" },
  { key: "fault" },
];

const kmsCallColumns: readonly ColumnOption[] = [...originColumns, { key: "apiServer", header: "api_server" }, ...tapRecordColumns];

const secondColumns: readonly ColumnOption[] = [
  ...originColumns,
  { key: "second" },
  { key: "ok" },
  { key: "failed" },
  { key: "dropped" },
  ...["min", "p50", "p90", "p99", "p999", "max"].map((key) => ({ key, header: `${key}_ns` })),
  { key: "histogram" },
];

/**
 * A CSV file that grows by phases. Rows are kept in memory while a phase is measured, so that writing them does not disturb it, and go
 * out at its end as fast as the disk takes them.
 */
export class SampleFile<Row extends object> {
  readonly path: string;
  #columns: readonly ColumnOption[];
  #rows: Row[] = [];
  #isBegun = false;
  #isBroken = false;

  constructor(path: string, columns: readonly ColumnOption[]) {
    this.path = path;
    this.#columns = columns;
  }

  append(row: Row): void {
    this.#rows.push(row);
  }

  /** Writes what was appended. Fails with a RunFolderError the first time that the disk takes no more; rows are given up from then on. */
  async flush(): Promise<void> {
    const rows = this.#rows.splice(0);
    if (this.#isBroken || rows.length === 0) return;
    try {
      if (!this.#isBegun) await mkdir(dirname(this.path), { recursive: true });
      await pipeline(
        Readable.from(rows),
        stringify({
          columns: this.#columns,
          header: !this.#isBegun,
          escape_formulas: true,
          cast: { number: upToNanoseconds, object: namesAndValues },
        }),
        createWriteStream(this.path, { flags: this.#isBegun ? "a" : "ax" }),
      );
      this.#isBegun = true;
    } catch (thrown) {
      this.#isBroken = true;
      throw folderFault(this.path, thrown);
    }
  }
}

/** What is behind a run's figures: single requests and KMS calls, `samples/requests.csv` and `samples/kms-calls.csv`, and each second, `samples/seconds.csv`. */
export class Samples {
  readonly requests: SampleFile<RequestSample>;
  readonly kmsCalls: SampleFile<KmsCallSample>;
  #seconds: SampleFile<SecondRow>;

  constructor(folder: string) {
    this.requests = new SampleFile(join(folder, "samples", "requests.csv"), requestColumns);
    this.kmsCalls = new SampleFile(join(folder, "samples", "kms-calls.csv"), kmsCallColumns);
    this.#seconds = new SampleFile(join(folder, "samples", "seconds.csv"), secondColumns);
  }

  appendSecond({ latency, ...second }: SecondSample): void {
    const { min, p50, p90, p99, p999, max, histogram } = latency ?? noLatency;
    this.#seconds.append({ ...second, min, p50, p90, p99, p999, max, histogram });
  }

  /** To be called between phases. Fails as {@link SampleFile.flush} does. */
  async flush(): Promise<void> {
    await this.requests.flush();
    await this.kmsCalls.flush();
    await this.#seconds.flush();
  }
}

const noLatency = { min: null, p50: null, p90: null, p99: null, p999: null, max: null, histogram: null };

/** The digits of a millisecond figure that a clock can mean. */
function upToNanoseconds(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

/** The parameters of a cell: `kmsLatencyMs=10 apiServers=3`. */
function namesAndValues(parameters: object): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
