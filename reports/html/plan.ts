import type { Plan, PlanFigures } from "../../harness/run/plan-schema.ts";
import { countAxis, countText } from "../charts/axes.ts";
import type { Axis, CurveChart, ForestChart, ForestRow, Point, Tone } from "../charts/chart.ts";
import { planTables, sweepFigures } from "../plan.ts";
import { formatMs } from "../units.ts";
import type { Charts, Section, Sections } from "./section.ts";
import { table } from "./table.ts";

/** What a plan predicts: what a reader asks first as charts, then every table. All of it is drawn as a prediction. */
export const planSections: Sections = ({ plan }) => {
  if (plan === null) return [];
  const tables = planTables(plan).map(
    ({ title, table: content }, at): Section => ({
      id: `plan-${at + 1}`,
      title,
      parts: [`<div class="plan">${table(`Table: ${title}`, content)}</div>`],
    }),
  );
  return [...sweepSections(plan), ...startSections(plan), ...callSections(plan), ...tables];
};

const readyAxis = { title: "time until ready", column: "ready_ms", scale: "log", text: durationText } as const satisfies Axis;
const quotaAxis = {
  title: "use of the quota",
  column: "quota_percent",
  scale: "linear",
  text: (percent) => `${percent.toPrecision(3)} %`,
} as const satisfies Axis;

/** From minutes on in minutes, hours and days. */
function durationText(ms: number): string {
  if (ms === 0) return "0";
  if (ms < 100_000) return formatMs(ms);
  const [text, unit] = ms < 6_000_000 ? [ms / 60_000, "min"] : ms < 172_800_000 ? [ms / 3_600_000, "h"] : [ms / 86_400_000, "d"];
  return `${text.toPrecision(2 + Number(text >= 100))} ${unit}`;
}

/** From millions on in millions and billions, for which there is room beside an axis. */
function largeText(value: number): string {
  if (value < 1e6) return countText(value);
  return value < 1e9 ? `${countText(value / 1e6)} M` : `${countText(value / 1e9)} bn`;
}

/** The curves of a sweep: those that are of one kind together. */
const sweepCharts: readonly { readonly id: string; readonly title: string; readonly y: Axis; readonly of: readonly SweepFigure[] }[] = [
  {
    id: "sweep-ready",
    title: "Time until ready",
    y: readyAxis,
    of: [sweepFigure("ready_one_ms", "blue"), sweepFigure("ready_all_ms", "green"), sweepFigure("ready_region_ms", "purple")],
  },
  {
    id: "sweep-calls",
    title: "Calls a month",
    y: { ...countAxis("calls a month", "calls", "log"), text: largeText },
    of: [sweepFigure("calls_per_month", "blue")],
  },
  {
    id: "sweep-peak",
    title: "Calls in the peak second",
    y: { ...countAxis("calls a second", "calls_per_second", "log"), text: largeText },
    of: [sweepFigure("calls_per_second_peak", "vermilion")],
  },
  {
    id: "sweep-quota",
    title: "Use of the quota at the peak",
    y: quotaAxis,
    of: [{ name: "use of the quota", tone: "amber", of: ({ quotaUse }) => (quotaUse === null ? null : quotaUse * 100) }],
  },
  {
    id: "sweep-cost",
    title: "Cost a month",
    y: { ...countAxis("USD a month", "usd", "linear"), text: largeText },
    of: [sweepFigure("usd_per_month", "green")],
  },
];

interface SweepFigure {
  readonly name: string;
  readonly tone: Tone;
  of(figures: PlanFigures): number | null;
}

function sweepFigure(id: (typeof sweepFigures)[number]["id"], tone: Tone): SweepFigure {
  const [figure] = sweepFigures.filter((each) => each.id === id);
  return { name: figure?.title ?? id, tone, of: (figures) => figure?.of(figures) ?? null };
}

/** Nothing where a sweep has no two values. */
function sweepSections({ sweep }: Plan): Section[] {
  if (sweep === null || sweep.points.length < 2) return [];
  const isLog = sweep.points.every(({ value }) => value > 0);
  const x = { ...countAxis(sweep.name, sweep.name, isLog ? "log" : "linear"), text: largeText };
  const charts = sweepCharts.flatMap(({ id, title, y, of }): CurveChart[] => {
    const series = of
      .map(({ name, tone, of: read }) => ({
        ...({ name, tone, kind: "predicted" } as const),
        points: sweep.points.map(({ value, figures }): Point => ({ x: value, y: shown(read(figures), y) })),
      }))
      .filter(({ points }) => points.some((point) => point.y !== null));
    if (series.length === 0) return [];
    const gaps = series.some(({ points }) => points.some((point) => point.y === null));
    const caption = gaps ? "A gap: maybe never, or nothing." : null;
    return [
      { shape: "curves", width: "narrow", id, title: `${title} over ${sweep.name}`, caption, x, panels: [{ y, as: "marks", series }] },
    ];
  });
  return charts.length === 0 ? [] : [{ id: "plan-sweep", title: `Over ${sweep.name}: a prediction`, parts: [{ charts, folded: null }] }];
}

/** A logarithmic axis has no place for nothing. */
function shown(value: number | null, { scale }: Axis): number | null {
  return value === null || (scale === "log" && value <= 0) ? null : value;
}

/** How long restarts take, and how much of the quota is used by what is done about it. */
function startSections(plan: Plan): Section[] {
  const ready = plan.starts.flatMap(({ what, ready: time }): ForestRow[] =>
    time === null || time.midMs <= 0
      ? []
      : [
          {
            ...predicted(what, "time until ready", "blue"),
            value: time.midMs,
            low: time.lowMs,
            high: time.highMs,
            text: durationText(time.midMs),
          },
        ],
  );
  const never = plan.starts.filter(({ ready: time }) => time === null).map(({ what }) => what);
  const { quota, figures, advice } = plan;
  const uses = [
    ...(quota === null ? [] : [{ name: "peak of the period", use: quota.usePeak }]),
    ...(figures.quotaUse === null ? [] : [{ name: "all start at once", use: figures.quotaUse }]),
    ...advice.flatMap(({ change, figures: changed }) => (changed.quotaUse === null ? [] : [{ name: change, use: changed.quotaUse }])),
  ];
  const charts: ForestChart[] = [
    {
      shape: "forest",
      id: "plan-ready",
      title: "Time until all that restart are ready",
      caption: `The line is the spread over the seeds. Logarithmic.${never.length === 0 ? "" : ` Maybe never: ${never.join("; ")}.`}`,
      ...{ groups: "fleet", rows: "restart of", value: readyAxis, lines: [] },
      of: [{ name: "", rows: ready }],
    },
    {
      shape: "forest",
      id: "plan-quota",
      title: "Use of the quota in the peak second",
      caption: "The fleet as it was described; then, where all of it starts at once, with each change that is advised.",
      ...{ groups: "fleet", rows: "with", value: quotaAxis, lines: [{ at: 100, name: "the quota", isLimit: true }] },
      of: [{ name: "", rows: uses.map(quotaRow) }],
    },
  ];
  const drawn = charts.filter(({ of }) => of.some(({ rows }) => rows.length > 0));
  return drawn.length === 0 ? [] : [{ id: "plan-starts", title: "Restarts and the quota: a prediction", parts: drawn.map(open) }];
}

function quotaRow({ name, use }: { readonly name: string; readonly use: number }): ForestRow {
  const percent = use * 100;
  const row = predicted(name, use > 1 ? "above the quota" : "within the quota", use > 1 ? "vermilion" : "green");
  return { ...row, value: percent, low: null, high: null, text: quotaAxis.text(percent) };
}

/** Which causes ask how often, by method; they lie too many powers of ten apart for bars. */
function callSections({ calls }: Plan): Section[] {
  const axis = { ...countAxis("calls a month", "calls_per_month", "zero-log"), text: largeText };
  const groups = [...Map.groupBy(calls, ({ cause }) => cause)].map(([name, ofCause]) => ({
    name,
    rows: ofCause.map(({ method, perMonth: { min, max } }): ForestRow => {
      const [from, to] = [countText(Math.round(min)), countText(Math.round(max))];
      const row = predicted(method, method, methodTones[method] ?? "rose");
      return { ...row, value: (min + max) / 2, low: min, high: max, text: from === to ? to : `${from} to ${to}` };
    }),
  }));
  if (groups.length === 0) return [];
  const chart: ForestChart = {
    shape: "forest",
    id: "plan-calls",
    title: "Calls on the plugins a month, by cause and method",
    caption: "The line is the range of what runs at once decides. Logarithmic.",
    ...{ groups: "cause", rows: "method", value: axis, lines: [] },
    of: groups,
  };
  return [{ id: "plan-causes", title: "What asks the KMS: a prediction", parts: [open(chart)] }];
}

/** The methods of both versions of KMS. */
const methodTones: Readonly<Record<string, Tone>> = { Status: "grey", Version: "teal", Encrypt: "blue", Decrypt: "vermilion" };

function predicted(name: string, mark: string, tone: Tone) {
  return { name, mark, tone, kind: "predicted" } as const;
}

function open(chart: ForestChart): Charts {
  return { charts: [chart], folded: null };
}
