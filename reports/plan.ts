import type { Plan, PlanFigures, PlanRange } from "../harness/run/plan-schema.ts";
import { none } from "./column.ts";
import type { Head, Table } from "./tables.ts";
import { formatMs } from "./units.ts";

/** A table with what stands above it. */
export interface TitledTable {
  readonly title: string;
  readonly table: Table;
}

/** Every table of a plan, in the order in which a reader needs them; those without a row are left out. */
export function planTables(plan: Plan): TitledTable[] {
  const tables = [
    { title: "Restarts, predicted", table: startTable(plan) },
    { title: "Calls on the plugins, predicted", table: callTable(plan) },
    { title: "What waits for the KMS, predicted", table: latencyTable(plan) },
    { title: "Limits, the nearest first", table: limitTable(plan) },
    { title: "What to change, and what it would do", table: adviceTable(plan) },
    { title: "Stated limits", table: statedTable(plan) },
    { title: `Over ${plan.sweep?.name ?? ""}, predicted`, table: sweepTable(plan) },
    { title: "The fleet, as it was described", table: fleetTable(plan) },
  ];
  return tables.filter(({ table }) => table.groups.length > 0);
}

function startTable({ starts }: Plan): Table {
  return {
    first: "restart of",
    heads: [...figures("calls", "ready", "at best", "at worst"), ...words("how")],
    groups: starts.map(({ what, calls, ready, how }) => ({
      name: what,
      rows: [
        [rangeText(calls), ready === null ? "maybe never" : timeText(ready.midMs), timeText(ready?.lowMs), timeText(ready?.highMs), how],
      ],
    })),
  };
}

function callTable({ calls }: Plan): Table {
  return {
    first: "cause",
    heads: [...words("method"), ...figures("a month", "a day", "a second", "at its peak"), ...words("reaches the KMS")],
    groups: [...Map.groupBy(calls, ({ cause }) => cause)].map(([name, ofCause]) => ({
      name,
      rows: ofCause.map(({ method, perMonth, perDay, perSecondMean, perSecondPeak, reachesKms }) => [
        method,
        rangeText(perMonth),
        rangeText(perDay),
        countText(perSecondMean),
        countText(perSecondPeak),
        reachesKms ? "yes" : "no",
      ]),
    })),
  };
}

function latencyTable({ latencies }: Plan): Table {
  return {
    first: "operation",
    heads: figures("of them", "p50", "p99", "p99 at best", "p99 at worst"),
    groups: latencies.map(({ operation, share, p50, p99 }) => ({
      name: operation,
      rows: [[percentText(share), timeText(p50?.midMs), timeText(p99?.midMs), timeText(p99?.lowMs), timeText(p99?.highMs)]],
    })),
  };
}

function limitTable({ limits }: Plan): Table {
  return {
    first: "number",
    heads: words("what happens"),
    groups: limits.map(({ what, at, unit, isExceeded }) => ({
      name: `${countText(at)} ${unit}`,
      rows: [[`${what}${isExceeded ? " (reached already)" : ""}`]],
    })),
  };
}

function adviceTable({ advice }: Plan): Table {
  return {
    first: "change",
    heads: words("effect"),
    groups: advice.map(({ change, effect }) => ({ name: change, rows: [[effect]] })),
  };
}

function statedTable({ stated }: Plan): Table {
  return {
    first: "limit",
    heads: words("holds", "predicted"),
    groups: stated.map(({ expression, told, holds }) => ({ name: expression, rows: [[holds ? "yes" : "NO", told]] })),
  };
}

/** The figures of a sweep: for tables, files and curves alike. */
export const sweepFigures = [
  { title: "one ready", id: "ready_one_ms", of: (at: PlanFigures) => at.readyOneMs, text: readyText },
  { title: "all ready", id: "ready_all_ms", of: (at: PlanFigures) => at.readyAllMs, text: readyText },
  { title: "region ready", id: "ready_region_ms", of: (at: PlanFigures) => at.readyRegionMs, text: readyText },
  { title: "calls a month", id: "calls_per_month", of: (at: PlanFigures) => at.callsPerMonth, text: countText },
  { title: "peak a second", id: "calls_per_second_peak", of: (at: PlanFigures) => at.callsPerSecondPeak, text: countText },
  { title: "USD a month", id: "usd_per_month", of: (at: PlanFigures) => at.usdPerMonth, text: moneyText },
] as const;

function sweepTable({ sweep }: Plan): Table {
  return {
    first: sweep?.name ?? "",
    heads: figures(...sweepFigures.map(({ title }) => title)),
    groups: (sweep?.points ?? []).map(({ value, figures: at }) => ({
      name: countText(value),
      rows: [sweepFigures.map(({ of, text }) => text(of(at)))],
    })),
  };
}

function fleetTable({ fleet }: Plan): Table {
  return { first: "field", heads: words("value"), groups: fleet.map(({ name, value }) => ({ name, rows: [[value]] })) };
}

function words(...titles: readonly string[]): Head[] {
  return titles.map((title) => ({ title, holds: "words" }));
}

function figures(...titles: readonly string[]): Head[] {
  return titles.map((title) => ({ title, holds: "figures" }));
}

function rangeText({ min, max }: PlanRange): string {
  const [from, to] = [countText(min), countText(max)];
  return from === to ? to : `${from}–${to}`;
}

function countText(value: number | null): string {
  if (value === null) return none;
  if (value === 0 || value >= 99.95)
    return Math.round(value)
      .toString()
      .replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return value.toPrecision(value < 1 ? 2 : 3).replace(/\.?0+$/, "");
}

function moneyText(value: number | null): string {
  return value === null ? none : value.toFixed(2);
}

function percentText(share: number): string {
  return `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)} %`;
}

function readyText(ms: number | null): string {
  return ms === null ? "maybe never" : timeText(ms);
}

/** Longer than minutes, seconds are no unit to read. */
function timeText(ms: number | undefined): string {
  if (ms === undefined) return none;
  if (ms === 0) return "0";
  if (ms < 600_000) return formatMs(ms);
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${(ms / 86_400_000).toFixed(1)} d`;
}
