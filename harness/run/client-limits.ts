import { cellName } from "./fold.ts";
import type { Cell, Floor, Phase, Result } from "./schema.ts";

/** A latency that is not as many times the client's own round trip is as much the client's as the server's. */
const floors = 3;
/** Of one core: a client that is one thread cannot spend more, and what it spends nearly all of is what holds it. */
const cpuShareMax = 0.9;

/** Below how many nanoseconds a latency of this phase says more of the client than of the server; null where no floor of its kind is known. */
export function limitNs(phase: Phase, floor: Floor | null): number | null {
  // A phase that an API server took part in has its counters.
  const kind = Object.keys(phase.server).length > 0 ? "https" : "grpc-unix";
  const roundTrip = floor?.roundTrips[kind];
  return roundTrip === undefined ? null : floors * roundTrip.p50;
}

/** Whether the client's own processor was what held a phase up. */
export function isClientFull({ client, durationMs }: Pick<Phase, "client" | "durationMs">): boolean {
  return client !== null && durationMs > 0 && client.cpuMs / durationMs >= cpuShareMax;
}

/** Whether an open load was sent so late by the client itself that the lateness is half of the latency that it shows. */
export function isSentLate({ client, latency }: Pick<Phase, "client" | "latency">): boolean {
  const lateMs = client?.sendDelayMsP99 ?? 0;
  return latency !== null && lateMs * 1e6 > latency.p99 / 2;
}

/** Where the client, and not what it measured, decided what was measured. */
export function clientFindings({ cells, floor }: Pick<Result, "cells" | "floor">): string[] {
  return [
    ...about(cells, isClientFull, (names) => `The client was the bottleneck ${names}: it filled its core, and the server may be faster.`),
    ...about(
      cells,
      (phase) => !isClientFull(phase) && isSentLate(phase),
      (names) => `The client sent late ${names}: half of the slowest latencies there, or more, is its own.`,
    ),
    ...about(
      cells,
      (phase) => (phase.latency?.p50 ?? Number.POSITIVE_INFINITY) < (limitNs(phase, floor) ?? 0),
      (names) => `Latencies marked with ~ are within three of the client's own floors, and say more of it than of the server: ${names}.`,
    ),
  ];
}

/** One sentence for all phases that it is true of; none where there is none. */
function about(cells: readonly Cell[], holds: (phase: Phase) => boolean, sentence: (names: string) => string): string[] {
  const found = cells.flatMap((cell) => {
    const names = cell.phases.filter(holds).map(({ name }) => name);
    return names.length === 0 ? [] : [`in ${names.join(", ")} of ${cellName(cell)}`];
  });
  return found.length === 0 ? [] : [sentence([...new Set(found)].join("; "))];
}
