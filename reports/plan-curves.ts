import type { Plan } from "../harness/run/plan-schema.ts";
import { escapeMarkup } from "./escape.ts";
import { sweepFigures } from "./plan.ts";

const width = 420;
const height = 220;
const margin = { left: 70, right: 12, top: 24, bottom: 34 } as const;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The curves of a plan's sweep as drawings that need no script, each over two logarithmic scales; empty without a sweep. */
export function planCurves({ sweep }: Plan): string {
  if (sweep === null || sweep.points.length < 2) return "";
  const drawings = sweepFigures.flatMap(({ title, of, text }) => {
    const points = sweep.points.flatMap(({ value, figures }) => pointOf(value, of(figures)));
    return points.length < 2 ? [] : [curve({ title, xTitle: sweep.name, points, text: (value) => text(value) })];
  });
  return `<div class="curves">\n${drawings.join("\n")}\n</div>`;
}

/** Nothing that a logarithmic scale cannot hold. */
function pointOf(x: number, y: number | null): Point[] {
  return x > 0 && y !== null && y > 0 ? [{ x, y }] : [];
}

function curve(options: {
  readonly title: string;
  readonly xTitle: string;
  readonly points: readonly Point[];
  readonly text: (value: number) => string;
}): string {
  const { title, xTitle, points, text } = options;
  const toX = scale(
    points.map(({ x }) => x),
    margin.left,
    width - margin.right,
  );
  const toY = scale(
    points.map(({ y }) => y),
    height - margin.bottom,
    margin.top,
  );
  const path = points.map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${toX.at(x)} ${toY.at(y)}`).join(" ");
  const marks = points.map(({ x, y }) => `<circle cx="${toX.at(x)}" cy="${toY.at(y)}" r="2.5"/>`);
  const label = (x: string, y: string, anchor: string, content: string) =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeMarkup(content)}</text>`;
  return [
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escapeMarkup(`${title} over ${xTitle}, a prediction`)}">`,
    `<rect class="frame" x="${margin.left}" y="${margin.top}" width="${width - margin.left - margin.right}" height="${height - margin.top - margin.bottom}"/>`,
    label(String(margin.left), "14", "start", `${title}, predicted`),
    ...[toY.low, toY.high].map((value) => label(String(margin.left - 6), toY.at(value), "end", text(value))),
    ...[toX.low, toX.high].map((value, at) =>
      label(toX.at(value), String(height - margin.bottom + 16), at === 0 ? "start" : "end", countWord(value)),
    ),
    label(String((margin.left + width - margin.right) / 2), String(height - 6), "middle", xTitle),
    `<path d="${path}"/>`,
    ...marks,
    "</svg>",
  ].join("\n");
}

/** A logarithmic scale over what there is, which is at least a little. */
function scale(values: readonly number[], from: number, to: number) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const spread = Math.max(Math.log(high / low), 1e-9);
  const at = (value: number) => (from + ((to - from) * Math.log(value / low)) / spread).toFixed(1);
  return { low, high, at };
}

function countWord(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
