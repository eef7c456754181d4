import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import type { BenchProvider, Cell, Phase } from "../../harness/run/schema.ts";
import { contests, contestWords, measuredOf } from "./comparison.ts";

function phaseOf(latencyMs: readonly number[], encrypts: number | null): Phase {
  const latency = LatencyHistogram.empty();
  for (const ms of latencyMs) latency.recordMs(ms);
  return {
    name: "write",
    startMs: 0,
    durationMs: 1000,
    load: { model: "closed", inFlight: 1 },
    requests: { due: latencyMs.length, ok: latencyMs.length, failed: 0, dropped: 0 },
    failures: [],
    latency: latency.toLatency(),
    serviceTime: null,
    kms: encrypts === null ? null : { Encrypt: { calls: encrypts + 1, failed: 0, probes: 1, latency: null } },
    server: {},
    agreements: [],
    timeline: null,
    client: null,
    figures: {},
    predictions: [],
    expectsFailures: false,
  };
}

function cellsOf(provider: BenchProvider, rounds: readonly (readonly number[])[], encrypts: number | null = null): Cell[] {
  return rounds.map((latencyMs, at) => ({
    benchmark: "write",
    parameters: {},
    round: at + 1,
    provider,
    secrets: 2,
    startMs: 0,
    phases: [phaseOf(latencyMs, encrypts)],
    envelopes: null,
    fault: null,
  }));
}

const words = (cells: readonly Cell[]) => contestWords(measuredOf(cells, "write", ["identity", "kms-v1"]));
const base = cellsOf("identity", [
  [1, 1],
  [1.2, 1.2],
  [1.5, 1.5],
  [1.8, 1.8],
  [2, 2],
]);

describe("the words of a contest", () => {
  it("name a ratio where the rounds lie apart, and count what the taps saw", () => {
    const other = cellsOf(
      "kms-v1",
      [
        [3, 3],
        [3.5, 3.5],
        [4, 4],
        [4.5, 4.5],
        [5, 5],
      ],
      2,
    );
    expect(words([...base, ...other])).toMatch(
      /^1\.5\d* ms under identity \(p99 2\S* ms\), 4\S* ms under kms-v1 \(p99 5\S* ms, 2\.6\d × identity, 1 KMS calls each\)$/,
    );
  });

  it("see no difference where the rounds lie among one another, however far one of them is off", () => {
    const other = cellsOf("kms-v1", [
      [1.1, 1.1],
      [1.4, 1.4],
      [9, 9],
      [1.3, 1.3],
      [1.9, 1.9],
    ]);
    expect(words([...base, ...other])).toContain("no difference seen");
  });

  it("do not judge from few rounds", () => {
    const other = cellsOf("kms-v1", [[30, 30]]);
    expect(words([...base, ...other])).toContain("of too few rounds to tell a difference");
  });

  it("say so where nothing was measured", () => {
    expect(words([])).toBe("nothing was measured");
    expect(words([...base, ...cellsOf("kms-v1", [[]])])).toContain("not to be compared");
  });
});

it("holds cells together that differ in provider and round alone", () => {
  const slow = base.map((cell) => ({ ...cell, parameters: { kmsLatencyMs: 10 } }));
  const groups = contests([...base, ...slow, ...cellsOf("kms-v1", [[1]])]);
  expect(groups.map(({ name, cells }) => [name, cells.length])).toEqual([
    ["2 Secrets", 6],
    ["2 Secrets, kmsLatencyMs 10", 5],
  ]);
});
