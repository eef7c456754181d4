import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { Latency, PhaseName } from "../../harness/run/schema.ts";
import { latencyAxis, percentileAxis } from "../charts/axes.ts";
import type { CurveChart, DotChart, Kind, Point, Series } from "../charts/chart.ts";
import { type CellGroup, cellGroups, isLargest, measuredKind, providerTones } from "./cell-groups.ts";
import type { Charts, Sections } from "./section.ts";

/** More than a reader looks through are folded away. */
const openMax = 9;

/** The latency of each phase by provider: as quantiles on one line each, and as curves over the percentiles. */
export const latencySections: Sections = (result) => {
  const kind = measuredKind(result);
  const groups = cellGroups(result).filter(({ rows }) => rows.some(({ phases }) => phases.some(({ latency }) => latency !== null)));
  if (groups.length === 0) return [];
  const shown = groups.toSorted((a, b) => Number(isLargest(b, groups)) - Number(isLargest(a, groups)));
  let open = 0;
  const parts = shown.flatMap((group): Charts[] => {
    const names = phaseNames(group);
    const charts = [() => dotChart(group, kind), ...names.map((name) => () => curveChart(group, name, kind))];
    const lies = isLargest(group, groups) && open + names.length <= openMax;
    if (lies) open += names.length;
    return [{ charts, folded: lies ? null : `Latency, ${group.title}` }];
  });
  return [{ id: "latency", title: "Latency", parts }];
};

function phaseNames({ rows }: CellGroup): PhaseName[] {
  return [...new Set(rows.flatMap(({ phases }) => phases.flatMap(({ name, latency }) => (latency === null ? [] : [name]))))];
}

function dotChart(group: CellGroup, kind: Kind): DotChart {
  const hasRounds = group.rows.some(({ phases }) => phases.some(({ p50s }) => p50s.length > 1));
  return {
    shape: "dots",
    id: `quantiles-${group.id}`,
    title: `Median and 99th percentile, ${group.title}`,
    caption: `The large mark is the median, the small one p99${hasRounds ? "; each stroke is the median of one round" : ""}. Logarithmic.`,
    groups: "phase",
    rows: "provider",
    value: latencyAxis,
    of: phaseNames(group).map((name) => ({
      name,
      rows: group.rows.flatMap(({ provider, phases }) => {
        const phase = phases.find((each) => each.name === name);
        if (phase === undefined || phase.latency === null) return [];
        const { p50, p99 } = phase.latency;
        return [{ name: provider, tone: providerTones[provider], kind, p50, p99, rounds: phase.p50s }];
      }),
    })),
  };
}

function curveChart(group: CellGroup, name: PhaseName, kind: Kind): CurveChart {
  const series = group.rows.flatMap(({ provider, phases }): Series[] => {
    const latency = phases.find((phase) => phase.name === name)?.latency ?? null;
    return latency === null ? [] : [{ name: provider, tone: providerTones[provider], kind, points: quantiles(latency) }];
  });
  return {
    shape: "curves",
    id: `curve-${group.id}-${name}`,
    // A benchmark and its one phase may have one name.
    title: group.title.startsWith(`${name}, `) ? group.title : `${name}, ${group.title}`,
    caption: null,
    width: "narrow",
    x: percentileAxis,
    panels: [{ y: latencyAxis, as: "marks", series }],
  };
}

function quantiles(latency: Latency): Point[] {
  const shares = sharesOf(latency.count);
  const values = LatencyHistogram.fromLatency(latency).quantilesNs(shares.map(({ percent }) => percent));
  return shares.map(({ percent, isMarked }, at) => ({ x: percent, y: values[at] ?? null, ...(isMarked ? {} : { isUnmarked: true }) }));
}

/** What share lies above a quantile, within one nine. */
const tails = [1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.14] as const;

/** As far as the count bears it: of 1000 there is no p99.95, because no one of them lies beyond. */
function sharesOf(count: number): { readonly percent: number; readonly isMarked: boolean }[] {
  const shares: { percent: number; isMarked: boolean }[] = [];
  for (let nine = 0; nine < 10; nine++) {
    for (const tail of tails) {
      const beyond = tail / 10 ** nine;
      if (beyond * count < 1 - 1e-9) return shares;
      const percent = Number((100 - 100 * beyond).toPrecision(12));
      const isMarked = (tail === 0.5 && nine === 0) || (tail === 1 && nine > 0);
      shares.push({ percent, isMarked });
    }
  }
  return shares;
}
