import type { Tone } from "../harness/run/look.ts";
import { formatNs } from "./units.ts";

/** One figure of a row, as a person reads it. */
export interface Column<Row> {
  readonly title: string;
  /** Where not all find room, the lower ones stay. */
  readonly rank: number;
  of(row: Row): string;
  /** Where a reader has to look at it, on a terminal that has colours. */
  tone?(row: Row): Tone | undefined;
}

/** What stands where there is no figure. */
export const none = "–";

/** A latency in nanoseconds; undefined where nothing was timed. */
export function latencyFigure(ns: number | undefined): string {
  return ns === undefined ? none : formatNs(ns);
}
