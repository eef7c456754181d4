import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../load/histogram.ts";
import { cellName } from "./fold.ts";
import { mergeRuns } from "./merge.ts";
import { readRun } from "./read-run.ts";
import { roundsOf } from "./rounds.ts";
import { type Cell, type Header, type Result, resultSchema } from "./schema.ts";

const complete = await readRun("reports/fixtures/complete");
const conform = await readRun("reports/fixtures/conform");
const small: Result = { ...complete, cells: complete.cells.filter(({ provider, secrets }) => provider === "kms-v2" && secrets === 50) };

function of(runId: string, change: Partial<Header> = {}, run: Result = small): Result {
  return { ...run, header: { ...run.header, runId, ...change } };
}
const otherMachine = { ...complete.header.machine, cpu: "Neoverse-N1" };
const target = complete.header.target;
if (target === null) throw new Error("The fixture has a target.");
const merged = (...runs: readonly Result[]) => resultSchema.parse(mergeRuns(runs));
const names = ({ cells }: Result) => cells.map((cell) => [cellName(cell), cell.run]);
const latencyOf = (cells: readonly Cell[], phase: string) =>
  cells.flatMap(({ phases }) => phases.flatMap(({ name, latency }) => (name === phase ? (latency ?? []) : [])));

describe("runs of one machine", () => {
  const result = merged(of("a"), of("b"), of("c"));

  it("are rounds of the same cells, and each names its run", () => {
    expect(names(result)).toEqual([
      ["kms-v2, 50 secrets", "a"],
      ["kms-v2, 50 secrets, round 2", "b"],
      ["kms-v2, 50 secrets, round 3", "c"],
    ]);
    expect(roundsOf(result.cells)).toHaveLength(1);
    expect(result.header.notes).toEqual(["Of the run a: round 1.", "Of the run b: round 2.", "Of the run c: round 3."]);
  });

  it("keep what each was measured on, and follow one upon the other in time", () => {
    expect(result.runs.map(({ header }) => header)).toEqual(["a", "b", "c"].map((runId) => ({ ...complete.header, runId })));
    expect(result.header).toMatchObject({ runId: "a+b+c", machine: complete.header.machine, target: { kubernetes: target.kubernetes } });
    expect(result.durationMs).toBe(3 * small.durationMs);
    const [first, second] = result.cells;
    expect((second?.startMs ?? 0) - (first?.startMs ?? 0)).toBe(small.durationMs);
    expect((second?.phases[1]?.startMs ?? 0) - (first?.phases[1]?.startMs ?? 0)).toBe(small.durationMs);
  });

  it("lose nothing of a distribution", () => {
    const all = LatencyHistogram.empty();
    for (const latency of latencyOf(result.cells, "write")) all.merge(LatencyHistogram.fromLatency(latency));
    const [own] = latencyOf(small.cells, "write");
    expect(all.toLatency()).toMatchObject({ count: 3 * (own?.count ?? 0), min: own?.min, p50: own?.p50, max: own?.max });
  });

  it("go on with the rounds that a run has already", () => {
    const [cell] = small.cells;
    if (cell === undefined) throw new Error("The fixture has a cell.");
    const rounds = { ...small, cells: [cell, { ...cell, round: 2 }] };
    expect(merged(of("a", {}, rounds), of("b", {}, rounds)).cells.map(({ run, round }) => [run, round])).toEqual([
      ["a", 1],
      ["a", 2],
      ["b", 3],
      ["b", 4],
    ]);
  });
});

describe("runs that differ", () => {
  it("in the machine stand side by side, those of one machine together", () => {
    const result = merged(of("a"), of("b", { machine: otherMachine }), of("c"));
    expect(names(result)).toEqual([
      ["kms-v2, 50 secrets, machine 1", "a"],
      ["kms-v2, 50 secrets, machine 2", "b"],
      ["kms-v2, 50 secrets, machine 1, round 2", "c"],
    ]);
    expect(result.header.machine.cpu).toBe("AMD EPYC 7B13 / Neoverse-N1");
    expect(result.header.notes[1]).toBe("Of the run b: machine 2, round 1.");
  });

  it("in the version or the plugin say so in every cell", () => {
    const later = { target: { ...target, kubernetes: "v1.38.0" }, plugin: "/run/kms/other.sock" };
    const result = merged(of("a"), of("b", later));
    expect(result.cells.map(({ parameters }) => parameters)).toEqual([
      { kubernetes: "v1.37.2", plugin: "bundled plugin, provider local" },
      { kubernetes: "v1.38.0", plugin: "/run/kms/other.sock" },
    ]);
    expect(result.header.target?.kubernetes).toBe("v1.37.2 / v1.38.0");
  });

  it("in how they ended end as the worst of them", () => {
    const cutOff: Result = { ...of("b"), status: "cut off", fault: "The run was cut off." };
    expect(merged(of("a"), cutOff)).toMatchObject({ status: "cut off", fault: "Run b: The run was cut off." });
    expect(merged(of("a"), cutOff, { ...of("c"), status: "failed", fault: "It broke." })).toMatchObject({ status: "failed" });
    expect(merged(of("a"), of("b"))).toMatchObject({ status: "complete", fault: null });
  });
});

it("has what each run found, held and noted under its name", () => {
  const said: Result = {
    ...of("b", { notes: ["It was hot."] }),
    findings: [{ benchmark: "write", text: "A create takes 2 ms." }],
    thresholds: [{ expression: "write.p99<20ms", holds: true, measured: "3 ms" }],
  };
  expect(merged(of("a"), said)).toMatchObject({
    findings: [{ benchmark: "write", text: "A create takes 2 ms (run b)." }],
    thresholds: [{ measured: "3 ms (run b)" }],
    header: { notes: expect.arrayContaining(["Run b: It was hot."]) },
  });
});

it("adds the clients' floors up", () => {
  const histogram = LatencyHistogram.empty();
  for (const ms of [1, 2, 9]) histogram.recordMs(ms);
  const latency = histogram.toLatency();
  if (latency === null) throw new Error("Something was recorded.");
  const floor = { roundTrips: { https: latency }, eventLoopDelay: latency, clockResolutionNs: 40, sendDelay: null };
  const result = merged({ ...of("a"), floor }, { ...of("b"), floor: { ...floor, clockResolutionNs: 60, sendDelay: latency } }, of("c"));
  expect(result.floor).toMatchObject({
    ...{ roundTrips: { https: { count: 6, p50: latency.p50 } }, eventLoopDelay: { count: 6 }, sendDelay: { count: 3 } },
    clockResolutionNs: 60,
  });
});

it("puts the checks together that each run made", () => {
  const [first, ...rest] = conform.checks;
  if (first === undefined) throw new Error("The fixture has checks.");
  const result = merged(of("a", {}, { ...conform, checks: rest }), of("b", {}, { ...conform, checks: [first] }));
  expect(result.checks).toHaveLength(conform.checks.length);
  expect(result.checks.map(({ run }) => run)).toEqual([...rest.map(() => "a"), "b"]);
  expect(() => mergeRuns([of("a", {}, conform), of("b", {}, conform)])).toThrow(`two of them have the check ${first.id}`);
});

it.each<[string, readonly Result[], RegExp]>([
  ["one run", [of("a")], /two runs or more/],
  ["a run twice", [of("a"), of("b"), of("a")], /the run a is named twice/],
  ["another command", [of("a"), of("b", {}, conform)], /different commands, bench and conform/],
  ["a plan", [of("a", { command: "plan" }), of("b", { command: "plan" })], /kmsmark plan stands for itself/],
  ["a model and a server", [of("a"), of("b", { target: { ...target, isModel: true } })], /kube-apiserver itself and of a model/],
  ["a plugin alone and a server", [of("a"), of("b", { target: null })], /kube-apiserver itself and of a plugin alone/],
  ["what is merged", [mergeRuns([of("a"), of("b")]), of("c")], /a\+b is merged already/],
  ["another load", [of("a"), of("b", {}, loadedOtherwise(small))], /write of kms-v2, 50 secrets was loaded in different ways/],
])("does not merge %s", (_, runs, message) => {
  expect(() => mergeRuns(runs)).toThrow(expect.objectContaining({ code: "not-mergeable", message: expect.stringMatching(message) }));
});

function loadedOtherwise(run: Result): Result {
  const load = { model: "closed", inFlight: 9 } as const;
  const cells = run.cells.map((cell) => ({
    ...cell,
    phases: cell.phases.map((phase) => (phase.load === null ? phase : { ...phase, load })),
  }));
  return { ...run, cells };
}
