import { describe, expect, it } from "vitest";
import type { BenchProvider } from "../run/schema.ts";
import { sidesBetween } from "./between.ts";
import { compare } from "./compare.ts";
import { madeUpSide } from "./made-up-side.ts";
import type { Side } from "./side.ts";

/** A run of two providers in six rounds, the second slower by half, each with a KMS of 0 and of 10 ms. */
const run: Side = (() => {
  const { facts, cells } = madeUpSide({ rounds: 6 });
  const slower = madeUpSide({ runId: "b", rounds: 6, factor: 1.5 }).cells;
  const each = (provider: BenchProvider, of: Side["cells"]) =>
    [0, 10].flatMap((kmsLatencyMs) => of.map((cell) => ({ ...cell, provider, parameters: { kmsLatencyMs } })));
  return { facts, checks: [], cells: [...each("kms-v2", cells), ...each("kms-v1", slower)] };
})();

it("holds two providers of one run against each other, parameter by parameter", () => {
  const { base, other, names } = sidesBetween(run, ["kms-v2", "kms-v1"]);
  const { compared, between, unlike, notes } = compare(base, other, [], names);
  const writes = compared.filter(({ phase, figure }) => phase === "write" && figure === "p50");
  expect(writes.map(({ cell, verdict, basis }) => [cell, verdict, basis])).toEqual([
    ["kms-v2, 500 secrets, kmsLatencyMs 0", "higher", "rounds"],
    ["kms-v2, 500 secrets, kmsLatencyMs 10", "higher", "rounds"],
  ]);
  expect(between).toEqual({ base: "kms-v2", other: "kms-v1", rounds: 6 });
  expect([unlike, notes.filter((note) => note.startsWith("Only"))]).toEqual([[], []]);
});

it("holds two values of a parameter against each other, provider by provider", () => {
  const { base, other } = sidesBetween(run, ["[kmsLatencyMs=0]", "[kmsLatencyMs=10]"]);
  const { compared } = compare(base, other, []);
  expect(new Set(compared.map(({ cell }) => cell))).toEqual(
    new Set(["kms-v2, 500 secrets, kmsLatencyMs 0", "kms-v1, 500 secrets, kmsLatencyMs 0"]),
  );
  for (const { difference } of compared) expect(difference?.value).toBe(0);
});

describe("is refused in one sentence", () => {
  it.each([
    ["one side", ["kms-v1"], "bad-between", "--between is given twice"],
    ["three sides", ["kms-v1", "kms-v2", "aesgcm"], "bad-between", "--between is given twice"],
    ["a provider against a parameter", ["kms-v1", "[kmsLatencyMs=10]"], "bad-between", "do not name the same things"],
    ["what was not measured", ["kms-v1", "aesgcm"], "bad-between", "The run has no cells of aesgcm."],
    ["what is no selection", ["kms-v1", "read"], "bad-cells", 'no provider is called "read"'],
  ])("%s", (_, texts, code, sentence) => {
    expect(() => sidesBetween(run, texts)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(sentence) }));
  });
});
