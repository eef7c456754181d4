import type { Cell, Latency, Phase } from "../harness/run/schema.ts";
import { workCalls } from "../harness/run/verdict.ts";
import { type Column, latencyFigure, none } from "./column.ts";
import type { CellRows, ShownPhase } from "./rounds.ts";
import { figureTitle, formatBytes, formatFigure, formatMs, formatNs, formatRate } from "./units.ts";

const latencyColumn = (title: string, rank: number, quantile: (latency: Latency) => number): Column<ShownPhase> => ({
  title,
  rank,
  of({ latency, unsureBelowNs }) {
    const ns = latency === null ? undefined : quantile(latency);
    return `${latencyFigure(ns)}${ns !== undefined && unsureBelowNs !== null && ns < unsureBelowNs ? " ~" : ""}`;
  },
});

const callColumn = (method: string, rank: number): Column<Phase> => ({
  title: method,
  rank,
  of: (phase) => (phase.kms === null ? none : String(workCalls(phase, method))),
});

/** What every table of phases shows, in this order. */
const phaseColumns: readonly Column<ShownPhase>[] = [
  { title: "took", rank: 9, of: ({ durationMs }) => formatMs(durationMs) },
  latencyColumn("p50", 1, ({ p50 }) => p50),
  latencyColumn("p99", 2, ({ p99 }) => p99),
  latencyColumn("max", 7, ({ max }) => max),
  { title: "rate", rank: 5, of: (phase) => (phase.load === null ? none : formatRate(ratePerSecond(phase))) },
  callColumn("Encrypt", 3),
  callColumn("Decrypt", 4),
  callColumn("Status", 8),
];

/** The columns of these cells: those that every table shows, how far rounds lie apart, and what the benchmark found besides. */
export function columnsOf(rows: readonly CellRows[]): readonly Column<ShownPhase>[] {
  const names = new Set(rows.flatMap(({ phases }) => phases.flatMap(({ figures }) => Object.keys(figures))));
  const hasRounds = rows.some(({ rounds }) => rounds.length > 1);
  const hasCosts = rows.some(({ phases }) => phases.some(({ client }) => client !== null));
  return [
    ...phaseColumns,
    ...(hasCosts ? [{ title: "client CPU", rank: 10, of: ({ client }: ShownPhase) => costFigure(client) }] : []),
    ...(hasRounds ? [{ title: "p50 by round", rank: 6, of: ({ p50s }: ShownPhase) => spread(p50s) }] : []),
    ...[...names].map((name, at) => ({
      title: figureTitle(name),
      // Before the calls of the KMS, and one after the other where not all find room.
      rank: 2 + (at + 1) / (names.size + 1),
      of: ({ figures }: ShownPhase) => (figures[name] === undefined ? none : formatFigure(name, figures[name])),
    })),
  ];
}

/** What the client spent on a request. */
function costFigure(client: Phase["client"]): string {
  return client?.cpuUsPerRequest === null || client?.cpuUsPerRequest === undefined ? none : formatNs(client.cpuUsPerRequest * 1000);
}

function spread(p50s: readonly number[]): string {
  return p50s.length === 0 ? none : `${formatNs(Math.min(...p50s))} – ${formatNs(Math.max(...p50s))}`;
}

/** Successful answers a second. */
export function ratePerSecond({ requests, durationMs }: Phase): number {
  return durationMs === 0 ? 0 : (requests.ok * 1000) / durationMs;
}

/** What did not go well in a phase, in words; empty where all did. */
export function troubles({ requests, kms }: Phase): string {
  const failedCalls = Object.entries(kms ?? {}).flatMap(([method, { calls, failed }]) =>
    failed > 0 ? [`${failed} of ${calls} ${method} calls failed`] : [],
  );
  return [
    ...(requests.failed > 0 ? [`${requests.failed} of ${requests.due} requests failed`] : []),
    ...(requests.dropped > 0 ? [`${requests.dropped} of ${requests.due} requests never sent`] : []),
    ...failedCalls,
  ].join(", ");
}

/** How the stored values of a cell were found, and how large they are. */
function storedSummary({ envelopes }: Pick<Cell, "envelopes">): string {
  if (envelopes === null) return "stored values not checked";
  const { total, right, plaintextBytes, storedBytes } = envelopes;
  const rightOfTotal = `${right} of ${total} envelopes right`;
  if (total === 0 || plaintextBytes === 0) return rightOfTotal;
  return `${rightOfTotal}, ${formatBytes(storedBytes / total)} stored per secret (${(storedBytes / plaintextBytes).toFixed(2)} × the plaintext)`;
}

/** What is said of a row besides its figures; empty where nothing is. */
export function factsOf(row: CellRows): string {
  const rounds = row.rounds.length > 1 ? [`${row.rounds.length} rounds together`] : [];
  const stored = row.envelopes !== null || row.benchmark === "lifecycle" ? [storedSummary(row)] : [];
  return [...rounds, ...stored].join("; ");
}
