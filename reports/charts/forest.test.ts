import { expect, it } from "vitest";
import type { Axis, ForestChart, ForestRow } from "./chart.ts";
import { csvOf, dataOf } from "./data.ts";
import { figure } from "./figure.ts";
import { drawForest, forestMarksOf } from "./forest.ts";

const change = { title: "change", column: "change_percent", scale: "linear", text: (percent) => `${percent} %` } as const satisfies Axis;

function row(name: string, value: number, ends: readonly [number, number] | null, given: Partial<ForestRow> = {}): ForestRow {
  const [low, high] = ends ?? [null, null];
  return { name, mark: "worse", tone: "vermilion", kind: "measured", value, low, high, text: `${value} %`, ...given };
}

const chart: ForestChart = {
  shape: "forest",
  id: "changes",
  title: "Changes",
  caption: null,
  ...{ groups: "cell", rows: "figure", value: change, domain: [-20, 20] },
  lines: [
    { at: 0, name: "no change", isLimit: false },
    { at: 10, name: "limit +10 %", isLimit: true },
  ],
  of: [
    { name: "kms-v2", rows: [row("write p50", 10, [5, 15]), row("read p50", 0, [-2, 2], { mark: "no difference seen", tone: "grey" })] },
    { name: "kms-v1", rows: [row("write p50", 300, [100, 500]), row("write encrypts", 3, null)] },
  ],
};

/** `x y series text` of every point that a reader can point at. */
function hits(svg: string): { x: number; series: number; text: string }[] {
  const [, found = ""] = /data-hits="([^"]*)"/.exec(svg) ?? [];
  return found.split("\n").map((line) => {
    const [x, , series, ...words] = line.split(" ");
    return { x: Number(x), series: Number(series), text: words.join(" ") };
  });
}

it("draws a mark a row, ends at the edge what lies beyond the scale, and says where it lies", () => {
  const [first, none, beyond] = hits(drawForest(chart, "wide"));
  expect(first?.text).toBe("write p50: 10 %");
  expect(beyond?.text).toBe("write p50: 300 %");
  // 0 is in the middle, 10 % half way to the edge, and 300 % at it.
  expect((first?.x ?? 0) - (none?.x ?? 0)).toBeCloseTo(((beyond?.x ?? 0) - (none?.x ?? 0)) / 2, 0);
});

it("draws no interval where there is none", () => {
  const intervals = (svg: string) => svg.match(/stroke-width="2"/g)?.length ?? 0;
  const bare = {
    ...chart,
    of: chart.of.map((group) => ({ ...group, rows: group.rows.map((each) => ({ ...each, low: null, high: null })) })),
  };
  expect(intervals(drawForest(chart, "wide")) - intervals(drawForest(bare, "wide"))).toBe(3);
});

it("tells marks apart in its legend, a prediction from a measurement too", () => {
  expect(forestMarksOf(chart).map(({ name }) => name)).toEqual(["worse", "no difference seen"]);
  const both = { ...chart, of: [{ name: "", rows: [row("a", 1, null), row("b", 1, null, { kind: "predicted" })] }] } satisfies ForestChart;
  expect(figure(both).match(/<li data-series/g)).toHaveLength(2);
  expect(hits(drawForest(both, "phone")).map(({ series }) => series)).toEqual([0, 1]);
  expect(drawForest(both, "wide")).toContain('fill="var(--page)"');
});

it("has its figures as CSV", () => {
  expect(csvOf(dataOf(chart)).split("\n").slice(0, 3)).toEqual([
    "cell,figure,seen,change_percent,change_percent low,change_percent high",
    "kms-v2,write p50,worse,10,5,15",
    "kms-v2,read p50,no difference seen,0,-2,2",
  ]);
});
