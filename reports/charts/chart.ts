/**
 * Charts before they are drawn: nothing but data and words, so that what a chart shows is tested without drawing it. `figure.ts` makes
 * them a part of a page.
 */
export type Chart = CurveChart | BarChart | DotChart | ForestChart | StripChart;

/** Where a figure comes from. What was not measured is drawn with dashes and hollow marks, and is named for what it is. */
export type Kind = "measured" | "model" | "predicted";

/** Colours that people tell apart whatever colours they see, and in each the symbol that goes with it. */
export const tones = ["grey", "blue", "vermilion", "green", "amber", "purple", "teal", "rose"] as const;
export type Tone = (typeof tones)[number];

/** What numbers along one direction are. */
export interface Axis {
  /** In words, `latency`. */
  readonly title: string;
  /** The column of a CSV, with the unit of its numbers: `latency_ns`. */
  readonly column: string;
  /** `nines`: percentiles, each nine of them as wide as the one before. `zero-log`: logarithmic, with a place for 0. */
  readonly scale: "linear" | "log" | "nines" | "zero-log";
  /** What the numbers are is seen from their units: the title is not written at the axis. */
  readonly isPlain?: true;
  /** Between 1 and 2 there is nothing; or round numbers are powers of 2. */
  readonly steps?: "whole" | "binary";
  /** A value as a person reads it. */
  text(value: number): string;
  /** The same of a round one at the axis, where that is to be shorter. */
  tick?(value: number): string;
}

/** Null leaves a gap. */
export interface Point {
  readonly x: number;
  readonly y: number | null;
  /** How far what was seen lies apart, or what a model allows. */
  readonly low?: number;
  readonly high?: number;
  /** Lies on the line between marks. */
  readonly isUnmarked?: true;
}

export interface Series {
  readonly name: string;
  readonly tone: Tone;
  readonly kind: Kind;
  /** In the order of x. */
  readonly points: readonly Point[];
}

/** What series share one y axis. */
export interface Panel {
  readonly y: Axis;
  /** `columns` stand on one another and are `columnWidth` wide, in units of x; `marks` are lines whose points are marked. */
  readonly as: "lines" | "marks" | "columns";
  readonly columnWidth?: number;
  /** What the axis holds at least, so that panels of several charts can be compared. */
  readonly domain?: readonly [from: number, to: number];
  readonly series: readonly Series[];
}

/** A stretch of x with a name. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

interface Titled {
  /** Of the page's element; no two charts of a page share one. */
  readonly id: string;
  readonly title: string;
  /** A sentence or two that say how to read it; null where the title does. */
  readonly caption: string | null;
}

/** Lines or columns over an axis that all panels share, one panel below the other. */
export interface CurveChart extends Titled {
  readonly shape: "curves";
  readonly width: "narrow" | "wide";
  readonly x: Axis;
  /** Without it, as far as the points go. */
  readonly domain?: readonly [from: number, to: number];
  readonly bands?: readonly Band[];
  readonly panels: readonly Panel[];
}

/** A part of a bar. */
export interface BarPart {
  readonly name: string;
  readonly tone: Tone;
  readonly kind: Kind;
  readonly value: number;
}

/** Bars of parts that add up, one below the other. */
export interface BarChart extends Titled {
  readonly shape: "bars";
  /** What a bar is: `phase`. */
  readonly rows: string;
  readonly value: Axis;
  /** The length of the longest bar of all charts that are to be compared. */
  readonly valueMax: number;
  readonly bars: readonly { readonly name: string; readonly parts: readonly BarPart[] }[];
}

/** The quantiles of one distribution on a line. */
export interface DotRow {
  readonly name: string;
  readonly tone: Tone;
  readonly kind: Kind;
  readonly p50: number;
  readonly p99: number;
  /** The medians of the rounds; fewer than two are not drawn. */
  readonly rounds: readonly number[];
}

/** Distributions, those of a group side by side. */
export interface DotChart extends Titled {
  readonly shape: "dots";
  /** What a group is, `phase`, and what a row of one is, `provider`. */
  readonly groups: string;
  readonly rows: string;
  readonly value: Axis;
  readonly of: readonly { readonly name: string; readonly rows: readonly DotRow[] }[];
}

/** An estimate with its interval. */
export interface ForestRow {
  readonly name: string;
  /** What the legend calls it: `slower`, `no difference seen`. */
  readonly mark: string;
  readonly tone: Tone;
  readonly kind: Kind;
  readonly value: number;
  /** Null where nothing says how far it varies. */
  readonly low: number | null;
  readonly high: number | null;
  /** The estimate in words, written beside it. */
  readonly text: string;
}

/** Estimates with their intervals, one below the other. */
export interface ForestChart extends Titled {
  readonly shape: "forest";
  /** What a group is, `cell`, and what a row of one is, `figure`. */
  readonly groups: string;
  readonly rows: string;
  readonly value: Axis;
  /** Without it, as far as the intervals go; what lies beyond it ends at its edge. */
  readonly domain?: readonly [from: number, to: number];
  /** Across all rows: where nothing changes, where a limit lies. */
  readonly lines: readonly { readonly at: number; readonly name: string; readonly isLimit: boolean }[];
  /** A group without a name has no heading. */
  readonly of: readonly { readonly name: string; readonly rows: readonly ForestRow[] }[];
}

/** How often something happened at a place along x. */
export interface StripMark {
  readonly x: number;
  readonly count: number;
  /** Which of the chart's series it is of. */
  readonly series: number;
}

/** What happened when, by kind. */
export interface StripChart extends Titled {
  readonly shape: "strip";
  /** What a row is: `event`. */
  readonly rows: string;
  readonly x: Axis;
  readonly series: readonly { readonly name: string; readonly tone: Tone; readonly kind: Kind }[];
  readonly of: readonly { readonly name: string; readonly marks: readonly StripMark[] }[];
}

/** What is said of a series that was not measured. */
export const kindWords: Readonly<Record<Kind, string>> = { measured: "", model: "model", predicted: "predicted" };

/** `kms-v2`, or `kms-v2, predicted`. */
export function kindName({ name, kind }: { readonly name: string; readonly kind: Kind }): string {
  return kind === "measured" ? name : `${name}, ${kindWords[kind]}`;
}
