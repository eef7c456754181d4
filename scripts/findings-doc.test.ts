import { expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import type { Phase, Result } from "../harness/run/schema.ts";
import { findingsDoc } from "./findings-doc.ts";
import { root } from "./steps.ts";

const complete = await readRun(`${root}reports/fixtures/complete`);

function runOf(benchmark: string, text: string, predictions: Phase["predictions"] = []): Result {
  const cells = complete.cells.slice(0, 1).map((cell) => ({ ...cell, phases: cell.phases.map((phase) => ({ ...phase, predictions })) }));
  return { ...complete, cells, findings: [{ benchmark, text }] };
}

it("puts the findings under their questions, in the order of the benchmarks, with what they were measured on", () => {
  const predictions = [{ what: "Decrypt calls", seen: 4, least: 1, most: 10 }];
  const text = findingsDoc([runOf("storm", "Three after 9.7 s."), runOf("cold-start", "It takes 4.1 s.", predictions)]);
  const lines = text.split("\n").filter((line) => line !== "");
  const count = complete.cells[0]?.phases.length;
  expect(lines.filter((line) => /^(##|-) /.test(line))).toEqual(["## cold-start", "- It takes 4.1 s.", "## storm", "- Three after 9.7 s."]);
  expect(text).toContain("How long does a restart of the API server take");
  expect(text).toContain(
    `Of ${count} counts that the model made before, kube-apiserver agrees with ${count}: 0 to the number, ${count} within a range.`,
  );
  expect(text).toContain(`${complete.header.startedAt.slice(0, 10)}, kube-apiserver ${complete.header.target?.kubernetes}`);
});

it("names what was wrong with a run", () => {
  const wrong = [{ what: "Decrypt calls", seen: 11, least: 1, most: 10 }];
  expect(findingsDoc([runOf("storm", "Three.", wrong)])).toContain("Fault of the run: ");
});

it.each<[string, Result, string]>([
  ["that did not end", { ...runOf("storm", "Three."), status: "cut off" }, "did not end: cut off"],
  ["without findings", { ...complete, findings: [] }, "has no findings"],
  [
    "on the model",
    { ...(await readRun(`${root}reports/fixtures/embedded`)), findings: [{ benchmark: "storm", text: "Three." }] },
    "on the model",
  ],
])("refuses a run %s", (_, run, why) => {
  expect(() => findingsDoc([run])).toThrow(why);
});
