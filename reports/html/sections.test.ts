import { expect, it } from "vitest";
import type { Plan } from "../../harness/run/plan-schema.ts";
import { readRun } from "../../harness/run/read-run.ts";
import type { Result } from "../../harness/run/schema.ts";
import type { Chart } from "../charts/chart.ts";
import { planSections } from "./plan.ts";
import { stepSections } from "./steps.ts";
import { thresholdSections } from "./thresholds.ts";

const run = await readRun("reports/fixtures/plan");
const plan = planOf(run);

function planOf({ plan: found }: Result): Plan {
  if (found === null) throw new Error("The fixture has a plan.");
  return found;
}

function chartsOf(sections: ReturnType<typeof planSections>): Chart[] {
  return sections.flatMap(({ parts }) =>
    parts.flatMap((part) => (typeof part === "string" ? [] : part.charts.map((made) => (typeof made === "function" ? made() : made)))),
  );
}

function chart(id: string, change: Partial<Plan> = {}): Chart {
  const found = chartsOf(planSections({ ...run, plan: { ...plan, ...change } })).find((each) => each.id === id);
  if (found === undefined) throw new Error(`There is no chart ${id}.`);
  return found;
}

it("draws everything as a prediction", () => {
  const charts = chartsOf(planSections(run));
  expect(charts.length).toBeGreaterThan(5);
  const kinds = charts.flatMap((each) => {
    if (each.shape === "curves") return each.panels.flatMap(({ series }) => series.map(({ kind }) => kind));
    return each.shape === "forest" ? each.of.flatMap(({ rows }) => rows.map(({ kind }) => kind)) : [];
  });
  expect(new Set(kinds)).toEqual(new Set(["predicted"]));
});

it("leaves a gap in a curve where nobody can say when a restart ends, and says so", () => {
  const { sweep } = plan;
  if (sweep === null) throw new Error("The fixture has a sweep.");
  const points = sweep.points.map((point, at) => (at === 1 ? { ...point, figures: { ...point.figures, readyOneMs: null } } : point));
  const found = chart("sweep-ready", { sweep: { ...sweep, points } });
  expect(found.caption).toBe("A gap: maybe never, or nothing.");
  expect(found.shape === "curves" && found.panels[0]?.series[0]?.points[1]?.y).toBeNull();
  expect(chart("sweep-ready").caption).toBeNull();
});

it("has the use of the quota with every change that is advised, and the quota as a limit", () => {
  const found = chart("plan-quota");
  if (found.shape !== "forest") throw new Error("It is drawn otherwise.");
  expect(found.lines).toEqual([{ at: 100, name: "the quota", isLimit: true }]);
  expect(found.of[0]?.rows.slice(0, 3).map(({ name, mark, text }) => [name, mark, text])).toEqual([
    ["peak of the period", "within the quota", "72.5 %"],
    ["all start at once", "above the quota", "340 %"],
    ["Move to KMS v2", "within the quota", "17.0 %"],
  ]);
});

it("has the calls of each cause by method, with their range", () => {
  const found = chart("plan-calls");
  if (found.shape !== "forest") throw new Error("It is drawn otherwise.");
  const rows = found.of.flatMap(({ name, rows: ofCause }) => ofCause.map((row) => `${name} ${row.name}: ${row.text}`));
  expect(rows).toHaveLength(plan.calls.length);
  expect(rows).toContain("consistency check Decrypt: 383,255,447 to 425,748,982");
});

it("names restarts that maybe never end, which have no mark", () => {
  const starts = plan.starts.map((start, at) => (at === 0 ? { ...start, ready: null } : start));
  expect(chart("plan-ready", { starts }).caption).toContain("Maybe never: one API server.");
});

it("draws no sweep of one value, and no plan where there is none", () => {
  const { sweep } = plan;
  const one = sweep && { ...sweep, points: sweep.points.slice(0, 1) };
  expect(planSections({ ...run, plan: { ...plan, sweep: one } }).map(({ id }) => id)).not.toContain("plan-sweep");
  expect(planSections({ ...run, plan: null })).toEqual([]);
});

it("shows when the calls of an audit trail were made, by name, and which ended with an error", async () => {
  const ack = await readRun("reports/fixtures/ack");
  const [strip] = chartsOf(stepSections(ack));
  if (strip?.shape !== "strip") throw new Error("It is drawn otherwise.");
  const marks = strip.of.flatMap(({ marks: ofName }) => ofName);
  expect(marks.reduce((sum, { count }) => sum + count, 0)).toBe(ack.kmsEvents.length);
  expect(marks.filter(({ series }) => series === 1).reduce((sum, { count }) => sum + count, 0)).toBe(7);
});

it("says of thresholds which break, those first", () => {
  const thresholds = [
    { expression: "write.p99<20ms", holds: true, measured: "7.258ms" },
    { expression: "cold.decrypts<=1", holds: false, measured: "50" },
  ];
  const [section] = thresholdSections({ ...run, thresholds });
  expect(section?.title).toBe("Thresholds: 1 of 2 broken");
  expect([...String(section?.parts[0]).matchAll(/rowspan="1">([^<]+)<\/th><td>([^<]+)</g)].map(([, ...parts]) => parts)).toEqual([
    ["cold.decrypts&lt;=1", "✗ NO"],
    ["write.p99&lt;20ms", "✓ yes"],
  ]);
  expect(thresholdSections({ ...run, thresholds: thresholds.slice(0, 1) })[0]?.title).toBe("Thresholds: 1 of 1 hold");
  expect(thresholdSections(run)).toEqual([]);
});
