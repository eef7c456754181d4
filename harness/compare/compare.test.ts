import { describe, expect, it } from "vitest";
import { type Comparison, comparisonSchema, isBroken } from "../run/comparison.ts";
import { compare } from "./compare.ts";
import { parseLimit } from "./limit.ts";
import { type MadeUp, madeUpSide } from "./made-up-side.ts";
import type { Side } from "./side.ts";

/** Two made-up runs held against each other, and the result against its schema. */
function compared(base: MadeUp, other: MadeUp, ...limits: readonly string[]): Comparison {
  return comparisonSchema.parse(compare(madeUpSide(base), madeUpSide({ runId: "b", ...other }), limits.map(parseLimit)));
}

function figure({ compared: all }: Comparison, name: string) {
  const found = all.find(({ phase, figure: each }) => `${phase}.${each}` === name);
  if (found === undefined) throw new Error(`${name} was not compared.`);
  return found;
}

const verdicts = ({ limits }: Comparison) => limits.map(({ verdict }) => verdict);

describe("runs of several rounds", () => {
  const rounds = { rounds: 6 };
  it("that are alike show no difference", () => {
    const comparison = compared(rounds, rounds, "write.p50 > +10%", "restart.duration > +10%");
    for (const name of ["write.p50", "write.p99", "restart.duration"]) {
      const { verdict, basis, units, ratio } = figure(comparison, name);
      expect([name, verdict, basis, units]).toEqual([name, "no difference seen", "rounds", { base: 6, other: 6 }]);
      expect(ratio?.low).toBeLessThan(1);
      expect(ratio?.high).toBeGreaterThan(1);
    }
    expect(verdicts(comparison)).toEqual(["kept", "kept"]);
    expect(comparison.unlike).toEqual([]);
  });

  it("of which one is slower by half show that, with an interval that holds it", () => {
    const comparison = compared(rounds, { ...rounds, factor: 1.5 }, "write.p50 > +10%", "write.p50 < -10%", "write.p50 > +100%");
    const { verdict, ratio, difference, worse, metric } = figure(comparison, "write.p50");
    expect([verdict, worse, metric]).toEqual(["higher", "higher", "lifecycle/kms-v2[secrets=500].write.p50"]);
    expect(ratio?.low).toBeGreaterThan(1.3);
    expect(ratio?.low).toBeLessThan(1.5);
    expect(ratio?.high).toBeGreaterThan(1.5);
    expect(difference?.value).toBeGreaterThan(0.8e6);
    expect(verdicts(comparison)).toEqual(["regression", "kept", "kept"]);
  });

  it("that vary more than they differ are no regression, though the estimate is beyond the limit", () => {
    const wild = { ...rounds, spread: 0.4 };
    const comparison = compared({ ...wild, runId: "q" }, { ...wild, runId: "s", factor: 1.3 }, "write.p50 > +1%");
    expect(figure(comparison, "write.p50").ratio?.value).toBeGreaterThan(1.01);
    expect(verdicts(comparison)).toEqual(["kept"]);
  });

  it("too few for so many tests say so", () => {
    const few = { rounds: 5, encrypts: (round: number) => round };
    expect(compared(few, few).notes.join(" ")).not.toContain("no test among");
    const wide = (runId: string): Side => {
      const side = madeUpSide({ runId, rounds: 5 });
      return { ...side, cells: [1, 2, 3].flatMap((kmsLatencyMs) => side.cells.map((cell) => ({ ...cell, parameters: { kmsLatencyMs } }))) };
    };
    expect(compare(wide("a"), wide("b"), []).notes.at(-1)).toMatch(/^With 5 and 5 rounds no test among 9 can find a difference: /);
  });

  it("compare counts that vary by rounds, and those that do not as they are", () => {
    const same = { rounds: 5, encrypts: () => 50 };
    expect(figure(compared(same, { ...same, encrypts: () => 51 }), "write.encrypts")).toMatchObject({
      basis: "values",
      verdict: "higher",
      p: null,
    });
    expect(figure(compared(same, same), "write.encrypts")).toMatchObject({ verdict: "equal", ratio: { value: 1, low: null } });
    const varying = { rounds: 5, encrypts: (round: number) => 10 + round };
    expect(figure(compared(varying, varying), "write.encrypts")).toMatchObject({ basis: "rounds", verdict: "no difference seen" });
  });
});

describe("one round each", () => {
  it("compares a quantile over its requests, and says what that leaves out", () => {
    const comparison = compared({ requests: 2000 }, { requests: 2000, factor: 1.3 }, "write.p50 > +10%", "write.p99 > +100%");
    expect(figure(comparison, "write.p50")).toMatchObject({ basis: "requests", verdict: "higher", units: { base: 2000, other: 2000 } });
    expect(verdicts(comparison)).toEqual(["regression", "kept"]);
    expect(comparison.limits[0]?.measured).toMatch(/, over the requests of one round each, so that two equal runs may differ by more$/);
    expect(comparison.notes.join(" ")).toContain("neither what varies from one run to the next");
  });

  it("does not judge a quantile of too few requests, nor what was measured once, and no limit on it is kept", () => {
    const comparison = compared({}, { factor: 3 }, "write.p99 > +10%", "restart.duration > +10%", "write.max > +10%");
    expect(figure(comparison, "write.p99")).toMatchObject({ verdict: "not judged", reason: expect.stringContaining("it takes 1000") });
    expect(figure(comparison, "restart.duration")).toMatchObject({ verdict: "not judged", base: { low: null } });
    expect(figure(comparison, "write.max")).toMatchObject({ verdict: "not judged" });
    expect(verdicts(comparison)).toEqual(["not judged", "not judged", "not judged"]);
    expect(comparison.limits.every(isBroken)).toBe(true);
  });

  it("that was measured by seconds is compared over stretches of them", () => {
    const comparison = compared({ seconds: 40 }, { seconds: 40, factor: 1.5 });
    for (const name of ["write.p50", "write.p99"]) {
      expect(figure(comparison, name)).toMatchObject({ basis: "seconds", verdict: "higher", units: { base: 10, other: 10 } });
    }
    expect(figure(compared({ seconds: 29 }, { seconds: 40 }), "write.p50").basis).toBe("requests");
    // A p99 of many requests is another than that of few: runs whose steps have other widths are compared by their requests.
    expect(figure(compared({ seconds: 400, stepMs: 2000 }, { seconds: 400 }), "write.p50").basis).toBe("requests");
    expect(figure(compared({ seconds: 400, stepMs: 2000 }, { seconds: 400, stepMs: 2000 }), "write.p50").basis).toBe("seconds");
    expect(figure(compared({ seconds: 20, stepMs: 200 }, { seconds: 20, stepMs: 200 }), "write.p50").basis).toBe("requests");
  });

  it("or two, three and four rounds of a latency are not judged, because they do not say how rounds vary", () => {
    for (const rounds of [2, 4]) {
      const { verdict, reason } = figure(compared({ rounds }, { rounds: 5 }), "write.p50");
      expect([verdict, reason]).toEqual([
        "not judged",
        `${rounds} and 5 rounds do not say how far rounds vary: it takes one of each, or at least 5`,
      ]);
    }
  });

  it("compares counts as they are, from nothing too", () => {
    const comparison = compared({}, { encrypts: () => 3 }, "write.encrypts > +0", "write.encrypts > +200%", "write.encrypts > +3");
    expect(figure(comparison, "write.encrypts")).toMatchObject({ verdict: "higher", ratio: null, difference: { value: 3 } });
    expect(verdicts(comparison)).toEqual(["regression", "regression", "kept"]);
  });
});

it("is the same every time", () => {
  const again = () => compared({ rounds: 9 }, { rounds: 9 });
  expect(again()).toEqual(again());
});

it("corrects the tests of the limits for each other, not for all that is shown", () => {
  const rounds = { rounds: 5, spread: 0.02 };
  const comparison = compared(rounds, { ...rounds, factor: 1.3 }, "write.p50 > +20%");
  const { p, pAdjusted } = figure(comparison, "write.p50");
  expect(pAdjusted).toBeGreaterThan(p ?? 1);
  expect(comparison.limits[0]?.measured).toContain(`p ${p?.toFixed(3)}`);
});

describe("unlike runs", () => {
  it("are told apart in everything but their figures", () => {
    const base = madeUpSide();
    const { facts, cells } = madeUpSide({ runId: "b" });
    const machine = { ...facts.machine, cpus: 8, node: "v24.22.0" };
    const target = { kind: "embedded", kubernetes: "v1.36.0", etcd: null, isModel: true };
    const other: Side = {
      checks: [],
      facts: { ...facts, machine, target, seed: "x", kmsmark: "0.2.0", plugin: "/run/kms.sock", status: "interrupted" },
      cells: cells.map((cell) => ({
        ...cell,
        phases: cell.phases.map((phase) => ({ ...phase, load: phase.load === null ? null : { model: "closed", inFlight: 4 } })),
      })),
    };
    expect(compare(base, other, []).unlike.map(({ what }) => what)).toEqual([
      ...["machine", "Node.js", "target", "kube-apiserver", "etcd", "KMS plugin", "kmsmark", "seed", "end", "load"],
    ]);
  });

  it("compare what both have, and name the rest", () => {
    const base = madeUpSide();
    const more: Side = { ...base, cells: base.cells.flatMap((cell) => [cell, { ...cell, provider: "kms-v1" }, { ...cell, secrets: 5 }]) };
    expect(compare(more, base, []).notes[0]).toBe("Only the first run has kms-v1, 500 secrets; kms-v2, 5 secrets.");
    expect(compare(base, more, []).notes[0]).toBe("Only the second run has kms-v1, 500 secrets; kms-v2, 5 secrets.");
  });

  it("with nothing in common are refused", () => {
    const base = madeUpSide();
    const other: Side = { ...base, cells: base.cells.map((cell) => ({ ...cell, secrets: 7 })) };
    expect(() => compare(base, other, [])).toThrow(expect.objectContaining({ code: "nothing-in-common" }));
  });

  it("do not keep a limit on what only one of them has", () => {
    const base = madeUpSide();
    const other: Side = { ...base, cells: base.cells.map((cell) => ({ ...cell, phases: cell.phases.slice(0, 1) })) };
    expect(verdicts(compare(base, other, [parseLimit("write.p50 > +10%")]))).toEqual(["not judged"]);
    expect(() => compare(base, other, [parseLimit("wirte.p50 > +10%")])).toThrow(expect.objectContaining({ code: "unknown-metric" }));
  });
});
