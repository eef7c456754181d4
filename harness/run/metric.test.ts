import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.ts";
import { distributionNames, figureNames } from "./figures.ts";
import { type BenchmarkNames, formatMetric, isMeant, type Metric, namesOf, parseCells, parseMetric, requireMetric } from "./metric.ts";
import { readRun } from "./read-run.ts";
import { benchProviders } from "./schema.ts";

const complete = await readRun("reports/fixtures/complete");

describe("a metric's name", () => {
  const plain = { benchmark: undefined, provider: undefined, where: {} };
  it.each<[string, Metric]>([
    ["write.p99", { ...plain, phase: "write", figure: "p99" }],
    ["kms-v2.write.p99", { ...plain, provider: "kms-v2", phase: "write", figure: "p99" }],
    ["kms-v2.write.p99.9", { ...plain, provider: "kms-v2", phase: "write", figure: "p99.9" }],
    ["write.service.p50", { ...plain, phase: "write", figure: "service.p50" }],
    ["kms-v1.cold.decrypt.p99.9", { ...plain, provider: "kms-v1", phase: "cold", figure: "decrypt.p99.9" }],
    ["kms-v1.encrypt.max", { ...plain, provider: "kms-v1", phase: "encrypt", figure: "max" }],
    ["encrypt.service.max", { ...plain, phase: "encrypt", figure: "service.max" }],
    ["[secrets=500].read.max", { ...plain, where: { secrets: "500" }, phase: "read", figure: "max" }],
    [
      'cold-start/kms-v1[kmsLatencyMs=0.5, shape="a.b]\\",c"].restart.duration',
      {
        benchmark: "cold-start",
        provider: "kms-v1",
        where: { kmsLatencyMs: "0.5", shape: 'a.b]",c' },
        phase: "restart",
        figure: "duration",
      },
    ],
    ["rotation/stale.firstWriteMs", { ...plain, benchmark: "rotation", phase: "stale", figure: "firstWriteMs" }],
  ])("is read: %s", (text, metric) => {
    expect(parseMetric(text)).toEqual(metric);
  });

  it("is read as it was written, whatever it is", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const phase = name.filter((word) => benchProviders.every((provider) => provider !== word));
    const quantile = fc.stringMatching(/^p[1-9]\d?(\.[0-9]{1,3})?$/);
    const figure = fc.oneof(
      fc.constantFrom(...figureNames),
      quantile,
      quantile.map((each) => `service.${each}`),
      fc.stringMatching(/^[a-z]{1,6}Ms$/),
    );
    const where = fc.dictionary(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,5}$/), fc.string({ unit: "grapheme", maxLength: 6 }), {
      maxKeys: 3,
      noNullPrototype: true,
    });
    const metric = fc.record({
      benchmark: fc.option(name, { nil: undefined }),
      provider: fc.option(fc.constantFrom(...benchProviders), { nil: undefined }),
      where,
      phase,
      figure,
    });
    fc.assert(
      fc.property(metric, (each) => {
        expect(parseMetric(formatMetric(each))).toEqual(each);
      }),
    );
  });

  it("is a metric or a UsageError, whatever was typed", () => {
    const typed = fc.oneof(fc.string(), fc.stringMatching(/^[a-z.[\]="/\\,0-9-]{0,20}$/));
    fc.assert(
      fc.property(typed, (text) => {
        try {
          expect(formatMetric(parseMetric(text))).not.toBe("");
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(UsageError);
        }
      }),
    );
  });

  it.each([
    ["", "it names no phase"],
    ["write", "it names no figure of the phase"],
    ["kmsv2.write.p99", 'no provider is called "kmsv2", the nearest is "kms-v2"'],
    ["kms-v3[secrets=1].write.p99", 'no provider is called "kms-v3", the nearest is "kms-v2"'],
    ["kms-v2.write.servce.p99", 'no figure is called "servce.p99"'],
    ["kms-v2[secrets=5.write.p99", "a bracket is not closed"],
    ["kms-v2[secrets=5]write.p99", "a dot and a phase follow the brackets"],
    ["kms-v2[secrets].write.p99", '"secrets" in its brackets is no PARAMETER=VALUE'],
    ["kms-v2[].write.p99", '"" in its brackets is no PARAMETER=VALUE'],
    ["kms-v2[a=1,a=2].write.p99", "it gives a twice"],
    ["Cold/write.p99", '"Cold" is no name of a benchmark'],
    ["Write.p99", '"Write" is no name of a phase'],
    ["write.p99!", '"p99!" is no name of a figure'],
  ])("is refused in one sentence: %j", (text, why) => {
    expect(() => parseMetric(text)).toThrow(expect.objectContaining({ code: "bad-metric", message: expect.stringContaining(why) }));
  });
});

describe("a name that a run cannot have", () => {
  const names: BenchmarkNames[] = [
    { id: "lifecycle", providers: ["identity", "kms-v2"], phases: ["write", "cold"], figures: [], parameters: [] },
    { id: "rotation", providers: ["kms-v1"], phases: ["migrate"], figures: ["staleCount"], parameters: ["kmsLatencyMs"] },
  ];
  it.each([
    ["cold-start/write.p99", 'no benchmark is called "cold-start"'],
    ["rotaton/migrate.p99", 'the nearest is "rotation"'],
    ["kms-v1.wirte.p99", 'no phase is called "wirte", the nearest is "write"'],
    ["rotation/write.p99", 'no phase is called "write"; there are migrate'],
    ["aesgcm.write.p99", "the provider aesgcm is not measured, but identity, kms-v2, kms-v1"],
    ["identity.write.encrypts", "identity calls no KMS"],
    ["lifecycle/identity.write.encrypt.p50", "identity calls no KMS"],
    ["write.p5O", 'no figure is called "p5O", the nearest is "p50"'],
    ["lifecycle/write.staleCount", 'no figure is called "staleCount"'],
    ["[kmsLatencyMS=1].write.p99", 'no parameter is called "kmsLatencyMS", the nearest is "kmsLatencyMs"'],
  ])("is refused: %s", (text, why) => {
    expect(() => requireMetric(parseMetric(text), names)).toThrow(
      expect.objectContaining({ code: "unknown-metric", message: expect.stringContaining(why) }),
    );
  });

  it.each(["write.p99", "rotation/kms-v1[kmsLatencyMs=0,secrets=5].migrate.staleCount", "write.encrypts", "identity.cold.failed"])(
    "is not %s",
    (text) => {
      expect(() => requireMetric(parseMetric(text), names)).not.toThrow();
    },
  );
});

it("finds the names in a run", () => {
  expect(namesOf(complete.cells)).toEqual([
    {
      id: "lifecycle",
      providers: ["identity", "kms-v2", "kms-v1"],
      phases: ["start", "write", "read", "list", "update", "noop", "restart", "cold", "delete"],
      figures: [],
      parameters: [],
    },
  ]);
});

it.each([
  ["write.p99", 6],
  ["kms-v2.write.p99", 2],
  ["kms-v2[secrets=500].write.p99", 1],
  ["kms-v2[secrets=5e2].write.p99", 0],
  ["kms-v2[secrets=500.0].write.p99", 1],
  ["kms-v2[kmsLatencyMs=10].write.p99", 0],
  ["storm/write.p99", 0],
])("means the cells that it names: %s", (text, count) => {
  const metric = parseMetric(text.replace("5e2", "50.5"));
  expect(complete.cells.filter((cell) => isMeant(metric, cell))).toHaveLength(count);
});

describe("cells", () => {
  it.each([
    ["kms-v2", { benchmark: undefined, provider: "kms-v2", where: {} }],
    ['write/kms-v2[secrets=5, shape="a.b"]', { benchmark: "write", provider: "kms-v2", where: { secrets: "5", shape: "a.b" } }],
    ["[kmsLatencyMs=0.5]", { benchmark: undefined, provider: undefined, where: { kmsLatencyMs: "0.5" } }],
  ])("are named without a phase: %s", (text, cells) => {
    expect(parseCells(text)).toEqual(cells);
  });

  it.each([
    ["", "it names neither a provider nor a parameter"],
    ["write/", "it names neither a provider nor a parameter"],
    ["kms-v1.write", "a phase is no part of it"],
    ["write", 'no provider is called "write"'],
    ["kms-v2[a=1", "a bracket is not closed"],
  ])("are refused in one sentence: %j", (text, why) => {
    expect(() => parseCells(text)).toThrow(expect.objectContaining({ code: "bad-cells", message: expect.stringContaining(why) }));
  });
});

it("has every name in docs/compare.md", () => {
  const docs = readFileSync("docs/compare.md", "utf8");
  expect(figureNames.filter((name) => !docs.includes(`\`${name}\``))).toEqual([]);
  expect(distributionNames.filter((name) => !docs.includes(`\`${name}.p99\``))).toEqual([]);
});
