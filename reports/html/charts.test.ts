import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import { readRun } from "../../harness/run/read-run.ts";
import type { Cell, Result } from "../../harness/run/schema.ts";
import type { BarChart, Chart, CurveChart, DotChart } from "../charts/chart.ts";
import { byteSections } from "./bytes.ts";
import { kmsSections } from "./kms.ts";
import { latencySections } from "./latency.ts";
import { timeSections } from "./over-time.ts";
import type { Sections } from "./section.ts";
import { withTimelines } from "./with-timelines.ts";

const complete = await readRun("reports/fixtures/complete");
const rounds = await readRun("reports/fixtures/rounds");
const embedded = await readRun("reports/fixtures/embedded");

/** What the sections of a run draw. */
function charts(make: Sections, result: Result): Chart[] {
  return make(result).flatMap(({ parts }) =>
    parts.flatMap((part) => (typeof part === "string" ? [] : part.charts.map((chart) => (typeof chart === "function" ? chart() : chart)))),
  );
}

const isCurves = (chart: Chart): chart is CurveChart => chart.shape === "curves";
const isDots = (chart: Chart): chart is DotChart => chart.shape === "dots";
const isBars = (chart: Chart): chart is BarChart => chart.shape === "bars";

/** The run with each of its cells changed. */
function withCells(result: Result, change: (cell: Cell) => Partial<Cell>): Result {
  return { ...result, cells: result.cells.map((cell) => ({ ...cell, ...change(cell) })) };
}

describe("latency", () => {
  const drawn = charts(latencySections, complete);

  it("has a chart of all phases and a curve for each, the largest number of Secrets first and open, the others folded", () => {
    const [section] = latencySections(complete);
    const parts = section?.parts.flatMap((part) => (typeof part === "string" ? [] : [part])) ?? [];
    expect(parts.map(({ folded }) => folded)).toEqual([null, "Latency, 50 secrets"]);
    expect(parts.map((part) => part.charts.length)).toEqual([8, 8]);
    expect(drawn[0]?.title).toBe("Median and 99th percentile, 500 secrets");
    expect(new Set(drawn.map(({ id }) => id)).size).toBe(drawn.length);
  });

  it("goes as far as the count bears it, and no further", () => {
    const reach = (count: number): number => {
      const histogram = LatencyHistogram.empty();
      for (let at = 1; at <= count; at++) histogram.recordMs(at);
      const latency = histogram.toLatency();
      const result = withCells(complete, (cell) => ({ phases: cell.phases.map((phase) => ({ ...phase, latency })) }));
      const curve = charts(latencySections, result).find(isCurves);
      return Math.max(...(curve?.panels[0]?.series[0]?.points.map(({ x }) => x) ?? []));
    };
    expect([10, 100, 1000, 2000].map(reach)).toEqual([90, 99, 99.9, 99.95]);
  });

  it("is that of the histogram", () => {
    const curve = drawn.filter(isCurves).find(({ id }) => id === "curve-g2-write");
    const { latency } = complete.cells.find(({ provider, secrets }) => provider === "kms-v1" && secrets === 500)?.phases[1] ?? {};
    if (latency === null || latency === undefined) throw new Error("The fixture's writes were timed.");
    const points = curve?.panels[0]?.series.find(({ name }) => name === "kms-v1")?.points ?? [];
    expect(points.find(({ x }) => x === 50)?.y).toBe(latency.p50);
    expect(points.find(({ x }) => x === 90)?.y).toBe(latency.p90);
    expect(points.find(({ x }) => x === 99)?.y).toBe(latency.p99);
    expect(points.filter(({ isUnmarked }) => isUnmarked !== true).map(({ x }) => x)).toEqual([50, 90, 99]);
  });

  it("shows how far rounds lie apart", () => {
    const rows = charts(latencySections, rounds)
      .filter(isDots)
      .flatMap(({ of }) => of.flatMap((group) => group.rows));
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row.rounds).toHaveLength(2);
  });

  it("gives one provider one colour everywhere", () => {
    const tones = Map.groupBy(
      drawn.filter(isCurves).flatMap(({ panels }) => panels.flatMap(({ series }) => series)),
      ({ name }) => name,
    );
    for (const series of tones.values()) expect(new Set(series.map(({ tone }) => tone)).size).toBe(1);
    expect(new Set([...tones.values()].map(([first]) => first?.tone)).size).toBe(3);
  });
});

describe("over time", () => {
  const timed = withTimelines(complete);
  const drawn = charts(timeSections, timed).filter(isCurves);
  const ofV1 = drawn.find(({ title }) => title === "kms-v1, 500 secrets");

  it("is not there where no phase has a timeline", () => {
    expect(timeSections(complete)).toEqual([]);
  });

  it("names the phases where they were", () => {
    const cell = complete.cells.find(({ provider, secrets }) => provider === "kms-v1" && secrets === 500);
    expect(ofV1?.bands?.map(({ name }) => name)).toEqual(cell?.phases.map(({ name }) => name));
    for (const { from, to } of ofV1?.bands ?? []) expect(to).toBeGreaterThan(from);
    expect(ofV1?.domain?.[0]).toBe(0);
    expect(ofV1?.domain?.[1]).toBe(ofV1?.bands?.at(-1)?.to);
  });

  it("counts every call of the KMS once, whatever the width of the columns", () => {
    const calls = ofV1?.panels[1]?.series ?? [];
    const cell = complete.cells.find(({ provider, secrets }) => provider === "kms-v1" && secrets === 500);
    const total = (method: string) => cell?.phases.reduce((sum, { kms }) => sum + (kms?.[method]?.calls ?? 0), 0);
    expect(calls.map(({ name }) => name)).toEqual(["Version", "Encrypt", "Decrypt"]);
    for (const { name, points } of calls) expect(points.reduce((sum, { y }) => sum + (y ?? 0), 0)).toBe(total(name));
  });

  it("keeps the slowest of the steps that fall on one point, and no line from one phase to the next", () => {
    const points = ofV1?.panels[0]?.series.find(({ name }) => name === "p99")?.points ?? [];
    const slowest = Math.max(
      ...timed.cells.flatMap(({ provider, secrets, phases }) =>
        provider === "kms-v1" && secrets === 500 ? phases.flatMap(({ timeline }) => timeline?.load.map(({ p99 }) => p99 ?? 0) ?? []) : [],
      ),
    );
    expect(Math.max(...points.map(({ y }) => y ?? 0))).toBe(slowest);
    expect(points.filter(({ y }) => y === null)).toHaveLength(7);
    expect(points.map(({ x }) => x)).toEqual(points.map(({ x }) => x).toSorted((a, b) => a - b));
    expect(points.length).toBeLessThan(500);
  });

  it("has requests without an answer where there were any", () => {
    expect(drawn.every(({ panels }) => panels.length <= 2)).toBe(true);
    const failing = withCells(complete, (cell) => ({
      phases: cell.phases.map((phase) => ({ ...phase, requests: { ...phase.requests, failed: 3 } })),
    }));
    const [first] = charts(timeSections, withTimelines(failing)).filter(isCurves);
    expect(first?.panels.at(-1)?.y.title).toMatch(/^requests without an answer in /);
  });

  it("has one scale of latency for the providers that are to be compared", () => {
    const domains = drawn.filter(({ title }) => title.endsWith("500 secrets")).map(({ panels }) => panels[0]?.domain);
    expect(new Set(domains.map((domain) => JSON.stringify(domain))).size).toBe(1);
  });
});

describe("KMS calls", () => {
  const drawn = charts(kmsSections, complete);

  it("grow with the number of Secrets under KMS v1, and stay at 0 under KMS v2", () => {
    const write = drawn.filter(isCurves).find(({ title }) => title === "Encrypt calls in write");
    const series = write?.panels[0]?.series.map(({ name, points }) => ({ name, calls: points.map(({ x, y }) => [x, y]) }));
    expect(series).toEqual([
      {
        name: "kms-v2",
        calls: [
          [50, 0],
          [500, 0],
        ],
      },
      {
        name: "kms-v1",
        calls: [
          [50, 50],
          [500, 500],
        ],
      },
    ]);
  });

  it("stand beside the model's prediction, which is drawn as one", () => {
    const predicted = withCells(complete, (cell) => ({
      phases: cell.phases.map((phase) =>
        phase.name === "cold" && cell.provider === "kms-v1"
          ? { ...phase, predictions: [{ what: "Decrypt calls", seen: cell.secrets, least: cell.secrets - 5, most: cell.secrets + 5 }] }
          : phase,
      ),
    }));
    const cold = charts(kmsSections, predicted)
      .filter(isCurves)
      .find(({ title }) => title === "Decrypt calls in cold");
    const prediction = cold?.panels[0]?.series.find(({ kind }) => kind === "predicted");
    expect(prediction?.points).toEqual([
      { x: 50, y: 50, low: 45, high: 55 },
      { x: 500, y: 500, low: 495, high: 505 },
    ]);
  });

  it("have a bar for each phase and one scale for the providers, and none for a provider that asks nobody", () => {
    const bars = drawn.filter(isBars).filter(({ title }) => title.endsWith("500 secrets"));
    expect(bars.map(({ title }) => title)).toEqual(["KMS calls by phase: kms-v2, 500 secrets", "KMS calls by phase: kms-v1, 500 secrets"]);
    expect(new Set(bars.map(({ valueMax }) => valueMax)).size).toBe(1);
    for (const chart of bars) expect(chart.bars).toHaveLength(9);
  });
});

describe("bytes in etcd", () => {
  it("are what was stored, in what it was before and what was added", () => {
    const [chart] = charts(byteSections, complete).filter(isBars);
    for (const { name, parts } of chart?.bars ?? []) {
      const cell = complete.cells.find(({ provider, secrets }) => provider === name && secrets === 500);
      const { total = 0, storedBytes = 0 } = cell?.envelopes ?? {};
      expect(parts.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(storedBytes / total, 6);
    }
    expect(chart?.bars).toHaveLength(3);
  });

  it("are not drawn where no value could be read", () => {
    expect(byteSections(withCells(complete, () => ({ envelopes: null })))).toEqual([]);
  });
});

it("is a model's on the target embedded, in every chart", () => {
  const timed = withTimelines(embedded);
  const drawn = [latencySections, timeSections, kmsSections, byteSections].flatMap((make) => charts(make, timed));
  const kinds = drawn.flatMap((chart) => {
    if (isCurves(chart)) return chart.panels.flatMap(({ series }) => series.map(({ kind }) => kind));
    if (isBars(chart)) return chart.bars.flatMap(({ parts }) => parts.map(({ kind }) => kind));
    return isDots(chart) ? chart.of.flatMap(({ rows }) => rows.map(({ kind }) => kind)) : [];
  });
  expect(kinds.length).toBeGreaterThan(20);
  expect(new Set(kinds)).toEqual(new Set(["model"]));
});
