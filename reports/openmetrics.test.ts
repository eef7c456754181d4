import { readdirSync } from "node:fs";
import parseText from "parse-prometheus-text-format";
import { describe, expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { madeHostile } from "./made-hostile.ts";
import { openmetrics } from "./openmetrics.ts";

const themes = readdirSync("reports/fixtures").filter((name) => name !== "comparison");
const results = await Promise.all(themes.map((theme) => readRun(`reports/fixtures/${theme}`)));
const conform = await readRun("reports/fixtures/conform");
const complete = await readRun("reports/fixtures/complete");

/** Unquoted: what OpenMetrics 1.0 gives in its ABNF, as far as gauges and summaries without timestamps and exemplars need it. */
const metadata = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const label = /[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[n"\\])*"/.source;
const sample = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)\\{(${label}(?:,${label})*)?\\} (-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`);

/** What of a text goes against OpenMetrics 1.0, in words; empty where nothing does. */
function faultsOf(text: string): string[] {
  if (!text.endsWith("# EOF\n")) return ["does not end with # EOF and a line feed"];
  const faults: string[] = [];
  const families = new Set<string>();
  const series = new Set<string>();
  let family = { name: "", type: "", hasSamples: false };
  let metric = "";
  const metrics = new Set<string>();
  for (const line of text.slice(0, -"# EOF\n".length).split("\n").slice(0, -1)) {
    const [, keyword, name = "", value = ""] = metadata.exec(line) ?? [];
    const [, sampleName = "", labels = "", figure = ""] = sample.exec(line) ?? [];
    if (keyword === "TYPE") {
      if (families.has(name)) faults.push(`${name} is not in one piece`);
      families.add(name);
      family = { name, type: value, hasSamples: false };
      if (value !== "gauge" && value !== "summary") faults.push(`${name} has the type ${value}`);
    } else if (keyword !== undefined) {
      if (name !== family.name || family.hasSamples) faults.push(`${keyword} of ${name} stands in the wrong place`);
      if (keyword === "UNIT" && !name.endsWith(`_${value}`)) faults.push(`${name} does not end in its unit ${value}`);
    } else if (sampleName !== "") {
      family.hasSamples = true;
      const suffix = sampleName.slice(family.name.length);
      const quantile = /(?:^|,)quantile="([^"]*)"/.exec(labels)?.[1];
      const allowed = family.type === "summary" ? ["", "_sum", "_count"] : [""];
      if (!sampleName.startsWith(family.name) || !allowed.includes(suffix)) faults.push(`${sampleName} belongs to no family`);
      if (family.type === "summary" && (suffix === "") !== (quantile !== undefined)) faults.push(`${line}: quantile`);
      if (quantile !== undefined && !(Number(quantile) >= 0 && Number(quantile) <= 1)) faults.push(`${line}: quantile`);
      if (suffix === "_count" && !/^\d+$/.test(figure)) faults.push(`${line}: a count is whole`);
      const names = [...labels.matchAll(/([a-zA-Z0-9_]+)="(?:[^"\\]|\\.)*"/g)].map(([, own]) => own);
      if (new Set(names).size !== names.length) faults.push(`${line}: a label twice`);
      if (series.has(`${sampleName}{${labels}}`)) faults.push(`${line}: twice`);
      series.add(`${sampleName}{${labels}}`);
      const own = `${family.name}{${labels.replace(/,?quantile="[^"]*"/, "")}}`;
      if (own !== metric && metrics.has(own)) faults.push(`${own} is not in one piece`);
      metric = own;
      metrics.add(own);
    } else faults.push(`not OpenMetrics: ${line}`);
  }
  return faults;
}

function valuesOf(text: string, name: string): [labels: Readonly<Record<string, string>> | undefined, value: number][] {
  return (parseText(text).find((family) => family.name === name)?.metrics ?? []).map(({ labels, value }) => [labels, Number(value)]);
}

describe("every run's metrics", () => {
  it("keep to OpenMetrics 1.0, whatever others wrote", () => {
    for (const result of results) {
      expect(faultsOf(openmetrics.render(result))).toEqual([]);
      expect(faultsOf(openmetrics.render(madeHostile(result, 'a"} 1\n# EOF\nb{c="\\n\\" \u001B\u202E')))).toEqual([]);
    }
  });

  it("are Prometheus's own format too: another parser reads as many families as there are", () => {
    for (const result of results) {
      const text = openmetrics.render(result);
      const found = parseText(text).filter(({ name }) => name !== "EOF");
      expect(found.map(({ name }) => name)).toEqual([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
      expect(found.every(({ type, help, metrics }) => /^(GAUGE|SUMMARY)$/.test(type) && help !== "" && metrics.length > 0)).toBe(true);
    }
  });
});

it.each([
  ["no end", "# TYPE a gauge\na{} 1\n"],
  ["a unit that the name does not tell", "# TYPE a gauge\n# UNIT a seconds\na{} 1\n# EOF\n"],
  ["a family in two pieces", '# TYPE a gauge\na{} 1\n# TYPE b gauge\nb{} 1\n# TYPE a gauge\na{x="1"} 1\n# EOF\n'],
  ["a quote in a label", '# TYPE a gauge\na{x="""} 1\n# EOF\n'],
  ["a line end in a label", '# TYPE a gauge\na{x="\n"} 1\n# EOF\n'],
  ["a series twice", '# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n# EOF\n'],
  ["a summary's quantile without its number", "# TYPE a summary\na{} 1\n# EOF\n"],
  ["no number", "# TYPE a gauge\na{} NaN\n# EOF\n"],
])("would be found to break the format with %s", (_, text) => {
  expect(faultsOf(text)).not.toEqual([]);
});

it("gives latencies in seconds, by phase and quantile, with their sum and count", () => {
  const cell = complete.cells.find(({ provider }) => provider === "kms-v2");
  const latency = cell?.phases.find(({ name }) => name === "write")?.latency;
  const of = `target="processes",figures="measured",benchmark="lifecycle",provider="kms-v2",secrets="${cell?.secrets}",phase="write"`;
  const text = openmetrics.render({ ...complete, cells: complete.cells.filter((each) => each === cell) });
  const found = text.split("\n").flatMap((line) => (line.startsWith("kmsmark_request_latency_seconds") && line.includes(of) ? [line] : []));
  const value = (line: string | undefined) => Number(line?.split(" ").at(-1));
  expect(found.map((line) => line.split(" ")[0])).toEqual([
    ...["0.5", "0.9", "0.99", "0.999", "1"].map((quantile) => `kmsmark_request_latency_seconds{${of},quantile="${quantile}"}`),
    `kmsmark_request_latency_seconds_sum{${of}}`,
    `kmsmark_request_latency_seconds_count{${of}}`,
  ]);
  expect(value(found[0])).toBeCloseTo((latency?.p50 ?? 0) / 1e9, 12);
  expect(value(found[4])).toBeCloseTo((latency?.max ?? 0) / 1e9, 12);
  expect(value(found[5])).toBeCloseTo(((latency?.mean ?? 0) * (latency?.count ?? 0)) / 1e9, 9);
  expect(value(found[6])).toBe(latency?.count);
  const quantiles = found.slice(0, 5).map(value);
  expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
});

it("has a threshold that was given twice once", () => {
  const threshold = { expression: "write.p99<20ms", holds: false, measured: "21ms" };
  const text = openmetrics.render({ ...complete, thresholds: [{ ...threshold, holds: true }, threshold] });
  expect(faultsOf(text)).toEqual([]);
  expect(valuesOf(text, "kmsmark_threshold_holds")).toEqual([[expect.objectContaining({ expression: "write.p99<20ms" }), 0]]);
});

it("counts requests, KMS calls and envelopes as the result does", () => {
  const text = openmetrics.render(complete);
  const total = (name: string) => valuesOf(text, name).reduce((sum, [, value]) => sum + value, 0);
  const phases = complete.cells.flatMap((cell) => cell.phases);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);
  expect(total("kmsmark_requests")).toBe(sum(phases.map(({ requests: { ok, failed, dropped } }) => ok + failed + dropped)));
  expect(total("kmsmark_kms_calls")).toBe(sum(phases.flatMap(({ kms }) => Object.values(kms ?? {}).map(({ calls }) => calls))));
  expect(total("kmsmark_envelopes")).toBe(sum(complete.cells.map(({ envelopes }) => envelopes?.total ?? 0)));
  expect(valuesOf(text, "kmsmark_run_passed")).toEqual([[{ target: "processes", figures: "measured" }, 1]]);
});

it("counts checks by area, level and verdict", () => {
  const text = openmetrics.render(conform);
  const found = valuesOf(text, "kmsmark_checks");
  expect(found.reduce((sum, [, value]) => sum + value, 0)).toBe(conform.checks.length);
  expect(found).toContainEqual([expect.objectContaining({ area: "plugin", level: "MUST", verdict: "fail" }), 1]);
  expect(valuesOf(text, "kmsmark_run_passed")).toEqual([[{ target: "processes", figures: "measured" }, 0]]);
});

it("says of a model's figures, and of a plan's, that they are no measurement", async () => {
  for (const theme of ["embedded", "plan"]) {
    const text = openmetrics.render(await readRun(`reports/fixtures/${theme}`));
    expect(text).not.toContain('figures="measured"');
    expect(text).toContain('figures="model"');
  }
});

it("gives a label back as it was", () => {
  const evil = 'a\\b"c\\n{}=,';
  const [[labels] = []] = valuesOf(openmetrics.render(madeHostile(conform, evil)), "kmsmark_run_info");
  expect(labels).toMatchObject({ run: evil, plugin: evil, kubernetes: evil });
});
