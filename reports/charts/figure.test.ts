import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { countAxis, latencyAxis, timeAxis } from "./axes.ts";
import type { BarChart, Chart, CurveChart, DotChart, Kind } from "./chart.ts";
import { figure } from "./figure.ts";

const curves = (kind: Kind, name = "kms-v2"): CurveChart => ({
  shape: "curves",
  id: "curves",
  title: "Latency",
  caption: "What it is.",
  width: "narrow",
  x: countAxis("Secrets", "secrets", "log"),
  panels: [
    {
      y: latencyAxis,
      as: "marks",
      series: [
        { name, tone: "blue", kind, points: [50, 500].map((x) => ({ x, y: x * 1e5 })) },
        { name: "identity", tone: "grey", kind, points: [{ x: 50, y: 3e6 }] },
      ],
    },
  ],
});

const columns: CurveChart = {
  ...curves("measured"),
  id: "columns",
  width: "wide",
  x: timeAxis,
  domain: [0, 4],
  bands: [
    { name: "write", from: 0, to: 2 },
    { name: "restart", from: 2, to: 4 },
  ],
  panels: [
    {
      y: countAxis("KMS calls", "kms_calls", "linear"),
      as: "columns",
      columnWidth: 1,
      series: [
        {
          name: "Encrypt",
          tone: "purple",
          kind: "measured",
          points: [
            { x: 0.5, y: 3 },
            { x: 2.5, y: 1 },
          ],
        },
        { name: "Decrypt", tone: "amber", kind: "measured", points: [{ x: 2.5, y: 2 }] },
      ],
    },
  ],
};

const bars = (kind: Kind): BarChart => ({
  shape: "bars",
  id: "bars",
  title: "KMS calls",
  caption: null,
  rows: "phase",
  value: countAxis("KMS calls", "kms_calls", "linear"),
  valueMax: 500,
  bars: [
    { name: "write", parts: [{ name: "Encrypt", tone: "purple", kind, value: 500 }] },
    { name: "cold", parts: [] },
  ],
});

const dots = (kind: Kind): DotChart => ({
  shape: "dots",
  id: "dots",
  title: "Quantiles",
  caption: null,
  groups: "phase",
  rows: "provider",
  value: latencyAxis,
  of: [{ name: "write", rows: [{ name: "kms-v2", tone: "blue", kind, p50: 2e6, p99: 9e6, rounds: [1.9e6, 2.2e6] }] }],
});

/** What the link of a figure gives. */
function csvOf(chart: Chart): string[][] {
  const [, href = ""] = figure(chart).match(/href="data:text\/csv;charset=utf-8,([^"]*)"/) ?? [];
  return parse(decodeURIComponent(href));
}

describe("the CSV of a chart", () => {
  it("has a row an x, and a column a series", () => {
    expect(csvOf(curves("measured"))).toEqual([
      ["secrets", "kms-v2 latency_ns", "identity latency_ns"],
      ["50", "5000000", "3000000"],
      ["500", "50000000", ""],
    ]);
  });

  it("names the phase of a moment", () => {
    expect(csvOf(columns)).toEqual([
      ["time_s", "phase", "Encrypt kms_calls", "Decrypt kms_calls"],
      ["0.5", "write", "3", ""],
      ["2.5", "restart", "1", "2"],
    ]);
  });

  it("has a row a bar, and a row a distribution", () => {
    expect(csvOf(bars("measured"))).toEqual([
      ["phase", "Encrypt kms_calls"],
      ["write", "500"],
      ["cold", ""],
    ]);
    expect(csvOf(dots("predicted"))).toEqual([
      ["phase", "provider", "source", "p50_latency_ns", "p99_latency_ns", "p50_round_1_latency_ns", "p50_round_2_latency_ns"],
      ["write", "kms-v2", "predicted", "2000000", "9000000", "1900000", "2200000"],
    ]);
  });

  it("runs no formula", () => {
    expect(csvOf(curves("measured", "=cmd|'/c calc'!A1"))[0]?.[1]).toMatch(/^'=cmd/);
  });
});

describe("what was not measured", () => {
  it.each([
    ["curves", curves],
    ["bars", bars],
    ["dots", dots],
  ])("is dashed in %s, and says what it is in legend and title", (_, chart) => {
    const measured = figure(chart("measured"));
    expect(measured).not.toMatch(/dasharray|predicted|model/);
    for (const kind of ["model", "predicted"] as const) {
      const text = figure(chart(kind));
      const [, svg = ""] =
        text.match(/<div class="plots">([\s\S]*?)<\/svg>/) ?? text.match(/<div class="plots large">([\s\S]*?)<\/svg>/) ?? [];
      expect(svg).toContain("stroke-dasharray");
      expect(text).toMatch(new RegExp(`<figcaption><strong>[^<]*\\(${kind}\\)</strong>`));
      expect(text).toMatch(new RegExp(`<span>[^<]+, ${kind}</span></li>`));
    }
  });

  it("has hollow marks", () => {
    expect(figure(curves("predicted")).match(/<g [^>]*fill="var\(--page\)"[^>]*class="s0"/g)).toHaveLength(1);
    expect(figure(curves("measured"))).not.toMatch(/fill="var\(--page\)"[^>]*class="s0"/);
  });
});

it("is the same whenever it is drawn, and brings no style of its own", () => {
  for (const chart of [curves("measured"), columns, bars("model"), dots("measured")]) {
    const text = figure(chart);
    expect(figure(chart)).toBe(text);
    expect(text).not.toMatch(/<style|\sstyle=|<marker|url\(/);
  }
});

it("lets names be nothing but names", () => {
  const evil = `</title><script src="https://evil.test/x.js">&amp;\u001B[2J\u202E" onload="x`;
  const text = figure({ ...curves("measured", evil), title: evil, caption: evil });
  const tags = (markup: string) => new Set([...markup.matchAll(/<(\/?\w+)/g)].map(([, tag]) => tag));
  expect(tags(text)).toEqual(tags(figure(curves("measured"))));
  expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  expect(text).not.toMatch(/<[^>"]*("[^"]*"[^>"]*)*\sonload=/);
});

it("draws what is wide a second time for a narrow screen, with as many values to point at", () => {
  const drawings = [...figure(columns).matchAll(/data-hits="([^"]*)"/g)].map(([, hits = ""]) => hits.split("\n").length);
  expect(drawings).toEqual([3, 3]);
});
