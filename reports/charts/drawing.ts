import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { escapeMarkup, oneLine } from "../escape.ts";
import type { Kind, Tone } from "./chart.ts";

/** A point that a reader can point at. */
export interface Hit {
  readonly x: number;
  readonly y: number;
  /** Of the legend. */
  readonly series: number;
  /** What it says there. */
  readonly text: string;
}

interface DrawingOptions {
  /** What a screen reader says instead of it. */
  readonly label: string;
  readonly className: string;
  readonly plot: Plot.PlotOptions;
  /** Reads positions off the scales of the finished plot. */
  hits(position: (scale: "x" | "y" | "fy", value: number | string) => number): readonly Hit[];
}

/** As much of the DOM as is needed of a finished plot. */
interface DrawnElement {
  readonly localName: string;
  readonly textContent: string | null;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
}

interface DrawnPlot {
  readonly innerHTML: string;
  scale(name: "x" | "y" | "fy"): Plot.Scale | undefined;
  querySelectorAll(selector: string): Iterable<DrawnElement>;
}

/** The positions of a drawing; its other attributes are kept as they are. */
const positions = new Set(["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "r", "points"]);

/**
 * A plot as SVG that a page can hold: no style of its own, positions to a tenth, colours and fonts those of the page. What a reader can
 * point at stands in `data-hits`, a line each: x, y, the series, what it says.
 */
export function draw({ label, className, plot: options, hits }: DrawingOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg: DrawnPlot = Plot.plot({ ...options, document, className: "plot" });
  const found = hits((name, value) => Number(svg.scale(name)?.apply(value) ?? 0));
  for (const style of [...svg.querySelectorAll("style")]) style.remove();
  for (const element of [...svg.querySelectorAll("*")]) {
    for (const { name, value } of [...element.attributes]) {
      if (positions.has(name)) element.setAttribute(name, value.replaceAll(/-?\d+\.\d+(?:e-?\d+)?/g, tenth));
      else if (name === "aria-label" || name === "aria-hidden" || name.startsWith("font-") || name === "style")
        element.removeAttribute(name);
    }
    if (element.localName === "text" && element.textContent === "") element.remove();
  }
  const { width, height } = options;
  const data = found.map(({ x, y, series, text }) => `${x.toFixed(1)} ${y.toFixed(1)} ${series} ${oneLine(text)}`).join("\n");
  return [
    `<svg class="plot ${className}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"`,
    ` aria-label="${escapeMarkup(label)}" fill="currentColor" text-anchor="middle" data-hits="${data.split("\n").map(escapeMarkup).join("\n")}">`,
    svg.innerHTML,
    "</svg>",
  ].join("");
}

function tenth(number: string): string {
  return String(Math.round(Number(number) * 10) / 10);
}

/** The colour of a tone, in light and in dark. */
export function colorOf(tone: Tone): string {
  return `var(--${tone})`;
}

/** How a line of a kind is drawn. */
export function dashesOf(kind: Kind): string | undefined {
  return kind === "measured" ? undefined : kind === "model" ? "5 3" : "2 3";
}

const symbols = {
  grey: "circle",
  blue: "square",
  vermilion: "triangle",
  green: "diamond",
  amber: "star",
  purple: "hexagon",
  teal: "circle",
  rose: "diamond",
} as const satisfies Record<Tone, Plot.SymbolType>;

export function symbolOf(tone: Tone): (typeof symbols)[Tone] {
  return symbols[tone];
}

/** How a mark of a kind is filled: hollow where nothing was measured. */
export function fillOf(tone: Tone, kind: Kind): string {
  return kind === "measured" ? colorOf(tone) : "var(--page)";
}

/** Belongs to the classes of everything that is drawn of a series, so that it can be shown and hidden. */
export function seriesClass(series: number): string {
  return `s${series}`;
}
