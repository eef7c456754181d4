import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { callsOf, measuredRun, unnamedIn } from "./measured-run.ts";
import { requireOwnKey, rotation } from "./rotation.ts";

it("times the first write under the new key, and leaves nothing stale", async () => {
  const result = await measuredRun("embedded", { secrets: [8], providers: ["kms-v2", "kms-v1"] }, rotation);
  const figures = result.cells.map(({ phases }) => Object.assign({}, ...phases.map((phase) => phase.figures)));
  // A poll a minute, and one in 20 s where the health is asked for (spec encryption-at-rest 2.5).
  expect(figures).toEqual([
    expect.objectContaining({ firstWriteMs: 60_000, staleCountBefore: 8, staleCountAfter: 0, dekSourceCount: 1 }),
    expect.objectContaining({ firstWriteMs: 20_000, staleCountBefore: 8, staleCountAfter: 0, dekSourceCount: 1 }),
    { rewrittenCount: 0 },
  ]);
  const rewritten = result.cells[0]?.phases.map(({ name, figures: { rewrittenCount } }) => [name, rewrittenCount]);
  expect(rewritten).toEqual([
    ["notice", undefined],
    ["migrate-replace", 4],
    ["migrate-patch", 4],
    ["migrate-again", 0],
    ["after", undefined],
  ]);
  expect(result.cells.map(callsOf)).toEqual([["notice: Encrypt 1"], ["notice: Encrypt 1"], []]);
  expect(result.findings.map(({ benchmark }) => benchmark)).toEqual(["rotation", "rotation"]);
  expect(unnamedIn(result, rotation)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});

it("does not rotate what is not kmsmark's", () => {
  const of = (pluginSocket: string | undefined, name: string, kind: string) => () =>
    requireOwnKey({ options: { pluginSocket, bundledProvider: { name, words: [] } }, target: { kind } });
  expect(of("/run/kms.sock", "local", "processes")).toThrow(expect.objectContaining({ code: "cannot-rotate" }));
  expect(of(undefined, "another", "containers")).toThrow(expect.objectContaining({ code: "cannot-rotate" }));
  expect(of(undefined, "local", "processes")).not.toThrow();
  expect(of("/run/kms.sock", "another", "embedded")).not.toThrow();
});
