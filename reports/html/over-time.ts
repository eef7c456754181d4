import type { Cell, Phase, Result, Timeline } from "../../harness/run/schema.ts";
import { countAxis, latencyAxis, timeAxis } from "../charts/axes.ts";
import type { CurveChart, Kind, Panel, Point, Series, Tone } from "../charts/chart.ts";
import { methodsOf } from "../kms-calls.ts";
import { formatMs } from "../units.ts";
import { type CellGroup, cellGroups, isLargest, measuredKind } from "./cell-groups.ts";
import type { Sections } from "./section.ts";

/** More than a reader looks through are folded away. */
const openMax = 6;
/** A chart has no more columns, and a line no more points. */
const columnsMax = 200;
const pointsMax = 400;

/** How latency and KMS calls went, one above the other, with the phases named: what a restart asks of the KMS stands where it was asked. */
export const timeSections: Sections = (result) => {
  const groups = cellGroups(result);
  const [largest = [], others = []] = [true, false].map((wanted) =>
    groups.filter((group) => isLargest(group, groups) === wanted).flatMap((group) => chartsOf(group, result)),
  );
  const open = largest.slice(0, openMax);
  const more = [...largest.slice(openMax), ...others];
  if (open.length + more.length === 0) return [];
  const parts = [
    { charts: open, folded: null },
    { charts: more, folded: `Over time, ${more.length} more` },
  ];
  return [{ id: "time", title: "Over time", parts }];
};

/** A phase with what was taken down of it. */
interface Timed extends Phase {
  readonly timeline: Timeline;
}

/** One a provider, with one scale of latency for all of them. */
function chartsOf(group: CellGroup, result: Result): (() => CurveChart)[] {
  const kind = measuredKind(result);
  const timed = group.rows.flatMap(({ label, rounds }) => {
    const cell = rounds.find(({ phases }) => phases.some(isTimed));
    return cell === undefined ? [] : [{ label, cell, rounds: rounds.length }];
  });
  const ends = timed.flatMap(({ cell }) =>
    cell.phases.filter(isTimed).flatMap(({ timeline }) => timeline.load.flatMap(({ p50, p99 }) => [p50 ?? [], p99 ?? []].flat())),
  );
  const domain = ends.length === 0 ? null : ([Math.min(...ends), Math.max(...ends)] as const);
  return timed.map(
    ({ label, cell, rounds }, at) =>
      () =>
        chartOf({ cell, kind, domain, id: `time-${group.id}-${at + 1}`, label, size: group.title, rounds, isFirst: at === 0 }),
  );
}

function isTimed(phase: Phase): phase is Timed {
  return phase.timeline !== null;
}

function chartOf(options: {
  readonly cell: Cell;
  readonly kind: Kind;
  readonly domain: readonly [number, number] | null;
  readonly id: string;
  readonly label: string;
  readonly size: string;
  readonly rounds: number;
  /** How to read it is said once a group. */
  readonly isFirst: boolean;
}): CurveChart {
  const { cell, kind, domain, id, label, size, rounds, isFirst } = options;
  const phases = cell.phases.filter(isTimed);
  const startMs = Math.min(...cell.phases.map((phase) => phase.startMs));
  const endMs = Math.max(...cell.phases.map((phase) => phase.startMs + phase.durationMs));
  const stepMs = roundStepMs(Math.max((endMs - startMs) / columnsMax, ...phases.map(({ timeline }) => timeline.stepMs)));
  const pointMs = roundStepMs(Math.max((endMs - startMs) / pointsMax, 0.01));
  const step = formatMs(stepMs)
    .replace(/\.0+ /, " ")
    .replace(/(\.\d*[1-9])0+ /, "$1 ");
  const failures = failurePanel({ phases, startMs, stepMs, kind }, `requests without an answer in ${step}`);
  const calls = callPanel({ phases, startMs, stepMs, kind }, `KMS calls in ${step}`);
  const captions = [
    ...(rounds > 1 ? [`Round ${cell.round} of ${rounds}.`] : []),
    ...(isFirst ? ["Of the steps that fall on one point the slowest is drawn; the shades are the phases."] : []),
  ];
  return {
    shape: "curves",
    id,
    title: [label, ...(label.includes(size) ? [] : [size])].join(", "),
    caption: captions.length === 0 ? null : captions.join(" "),
    width: "wide",
    x: timeAxis,
    domain: [0, (endMs - startMs) / 1000],
    bands: cell.phases.map((phase) => ({
      name: phase.name,
      from: (phase.startMs - startMs) / 1000,
      to: (phase.startMs + phase.durationMs - startMs) / 1000,
    })),
    panels: [...latencyPanel({ phases, startMs, stepMs: pointMs, kind }, domain), ...calls, ...failures],
  };
}

/** 1, 2 or 5 times a power of ten, and no less. */
function roundStepMs(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  const factor = [1, 2, 5].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

interface Steps {
  readonly phases: readonly Timed[];
  /** Of the chart, from the run's start. */
  readonly startMs: number;
  readonly stepMs: number;
  readonly kind: Kind;
}

/** When a step of a phase was, in seconds of the chart. */
function secondOf({ startMs, timeline }: Timed, step: number, from: number): number {
  return (startMs - from + (step + 0.5) * timeline.stepMs) / 1000;
}

function latencyPanel({ phases, startMs, stepMs, kind }: Steps, domain: readonly [number, number] | null): Panel[] {
  const slowest = phases.flatMap((phase) => {
    const steps = phase.timeline.load.flatMap(({ step, p50, p99 }) =>
      p50 === null || p99 === null ? [] : [{ at: secondOf(phase, step, startMs), p50, p99 }],
    );
    const columns = [...Map.groupBy(steps, ({ at }) => Math.floor((at * 1000) / stepMs)).values()];
    const drawn = columns.flatMap((column) => column.toSorted((a, b) => b.p99 - a.p99).slice(0, 1));
    // A line leads from one phase to the next nowhere.
    return drawn.length === 0 ? [] : [...drawn, { at: (phase.startMs + phase.durationMs - startMs) / 1000, p50: null, p99: null }];
  });
  if (slowest.length === 0) return [];
  const series = (["p50", "p99"] as const).map((quantile): Series => {
    const points = slowest.map((each): Point => ({ x: each.at, y: each[quantile] }));
    return { name: quantile, tone: quantile === "p50" ? "teal" : "rose", kind, points };
  });
  return [{ y: latencyAxis, as: "lines", series, ...(domain === null ? {} : { domain }) }];
}

function callPanel(steps: Steps, title: string): Panel[] {
  const { phases, kind, stepMs } = steps;
  const series = methodsOf(phases).flatMap((method): Series[] => {
    const points = summed(steps, ({ timeline }) => (timeline.kms?.[method] ?? []).map(({ step, calls }) => ({ step, count: calls })));
    return points.length === 0 ? [] : [{ name: method, tone: methodTone(method), kind, points }];
  });
  if (series.length === 0) return [];
  return [{ y: countAxis(title, "kms_calls", "linear"), as: "columns", columnWidth: stepMs / 1000, series }];
}

function failurePanel(steps: Steps, title: string): Panel[] {
  const { kind, stepMs } = steps;
  const kinds = [
    { name: "failed", tone: "vermilion", of: "failed" },
    { name: "never sent", tone: "grey", of: "dropped" },
  ] as const;
  const series = kinds.flatMap(({ name, tone, of }): Series[] => {
    const points = summed(steps, ({ timeline }) => timeline.load.map((each) => ({ step: each.step, count: each[of] })));
    return points.length === 0 ? [] : [{ name, tone, kind, points }];
  });
  if (series.length === 0) return [];
  return [{ y: countAxis(title, "requests", "linear"), as: "columns", columnWidth: stepMs / 1000, series }];
}

/** Counts of a phase's own steps in the steps of the chart; those in which nothing was are left out. */
function summed(
  { phases, startMs, stepMs }: Steps,
  countsOf: (phase: Timed) => readonly { readonly step: number; readonly count: number }[],
): Point[] {
  const sums = new Map<number, number>();
  for (const phase of phases) {
    for (const { step, count } of countsOf(phase)) {
      if (count === 0) continue;
      const column = Math.floor((secondOf(phase, step, startMs) * 1000) / stepMs);
      sums.set(column, (sums.get(column) ?? 0) + count);
    }
  }
  return [...sums].toSorted(([a], [b]) => a - b).map(([column, sum]) => ({ x: ((column + 0.5) * stepMs) / 1000, y: sum }));
}

/** A method has one colour on the whole page. */
export function methodTone(method: string): Tone {
  return methodTones.get(method) ?? "rose";
}

const methodTones: ReadonlyMap<string, Tone> = new Map([
  ["Encrypt", "purple"],
  ["Decrypt", "amber"],
  ["Status", "grey"],
  ["Version", "green"],
]);
