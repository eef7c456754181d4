import { formatNs } from "./units.ts";

/** One figure of a row, as a person reads it. */
export interface Column<Row> {
  readonly title: string;
  /** Where not all find room, the lower ones stay. */
  readonly rank: number;
  of(row: Row): string;
}

/** What stands where there is no figure. */
export const none = "–";

/** A latency in nanoseconds; undefined where nothing was timed. */
export function latencyFigure(ns: number | undefined): string {
  return ns === undefined ? none : formatNs(ns);
}
