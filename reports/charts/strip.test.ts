import { expect, it } from "vitest";
import { timeAxis } from "./axes.ts";
import type { StripChart } from "./chart.ts";
import { csvOf, dataOf } from "./data.ts";
import { drawStrip } from "./strip.ts";

const chart: StripChart = {
  shape: "strip",
  id: "events",
  title: "Calls",
  caption: null,
  rows: "event",
  x: timeAxis,
  series: [
    { name: "answered", tone: "blue", kind: "measured" },
    { name: "refused", tone: "vermilion", kind: "measured" },
  ],
  of: [
    {
      name: "Decrypt",
      marks: [
        { x: 0, count: 4, series: 0 },
        { x: 10, count: 1, series: 1 },
      ],
    },
    { name: "Encrypt", marks: [{ x: 5, count: 16, series: 0 }] },
  ],
};

it("draws a mark wherever something happened, the larger the oftener", () => {
  const svg = drawStrip(chart, "wide");
  const [, hits = ""] = /data-hits="([^"]*)"/.exec(svg) ?? [];
  expect(hits.split("\n").map((line) => line.split(" ").slice(2).join(" "))).toEqual([
    "0 Decrypt, 0: 4",
    "1 Decrypt, 10.0 s: 1",
    "0 Encrypt, 5.00 s: 16",
  ]);
  const xs = hits.split("\n").map((line) => Number(line.split(" ")[0]));
  expect(xs.toSorted((a, b) => a - b)).toEqual([xs[0], xs[2], xs[1]]);
});

it("has its figures as CSV in the order of their times", () => {
  expect(csvOf(dataOf(chart)).trimEnd().split("\n")).toEqual([
    "time_s,event,which,count",
    "0,Decrypt,answered,4",
    "5,Encrypt,answered,16",
    "10,Decrypt,refused,1",
  ]);
});
