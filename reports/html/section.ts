import type { Result } from "../../harness/run/schema.ts";
import type { Chart } from "../charts/chart.ts";

/** What stands on the page under one heading and has a line in its contents. */
export interface Section {
  /** Of the page's element; no two sections of a page share one. */
  readonly id: string;
  /** In words; the page escapes it. */
  readonly title: string;
  /** One below the other. */
  readonly parts: readonly Part[];
}

/** Markup, in which everything that others wrote is escaped; or charts, which the page draws. */
export type Part = string | Charts;

export interface Charts {
  /** What takes work to make is made when it is drawn: not all of them need be. */
  readonly charts: readonly (Chart | (() => Chart))[];
  /** Charts with a title of their own are folded away; null where they lie open. */
  readonly folded: string | null;
}

/** Makes the sections of one kind; none where the run has nothing for them. */
export type Sections = (result: Result) => readonly Section[];
