import { describe, expect, it } from "vitest";
import { namesOf } from "./metric.ts";
import { readRun } from "./read-run.ts";
import type { Cell } from "./schema.ts";
import { judgeThreshold, parseThreshold, requireThreshold } from "./threshold.ts";

const { cells } = await readRun("reports/fixtures/complete");
const small = cells.filter(({ secrets }) => secrets === 50);
const judge = (expression: string, among: readonly Cell[] = small) => judgeThreshold(parseThreshold(expression), among);

/** The small kms-v1 cell in three rounds, whose write phases are changed round by round. */
function rounds(change: (round: number) => Partial<Cell["phases"][number]>): Cell[] {
  const cell = small.find(({ provider }) => provider === "kms-v1");
  if (cell === undefined) throw new Error("The fixture has no kms-v1.");
  return [1, 2, 3].map((round) => ({
    ...cell,
    round,
    phases: cell.phases.map((phase) => (phase.name === "write" ? { ...phase, ...change(round) } : phase)),
  }));
}

describe("a threshold", () => {
  it.each([
    ["kms-v1.write.p50<20ms", true, "3.842ms"],
    ["kms-v1.write.p50 < 3ms", false, "3.842ms"],
    ["kms-v1.cold.decrypts<=secrets", true, "50 against 50"],
    ["kms-v1.cold.decrypts<secrets", false, "50 against 50"],
    ["kms-v1.cold.decrypts<=0.5*secrets", false, "50 against 25"],
    ["kms-v1.cold.decrypts==secrets", true, "50 against 50"],
    ["kms-v2.cold.decrypts==1", true, "1"],
    ["kms-v2.restart.duration>1s", true, "2.9s"],
    ["kms-v2.write.rate>=200/s", true, "200/s"],
    ["write.failed==0", true, "identity, 50 secrets: 0; kms-v2, 50 secrets: 0; kms-v1, 50 secrets: 0"],
    ["write.p50<3ms", false, "kms-v1, 50 secrets: 3.842ms"],
    ["kms-v1.write.encrypts<=49", false, "50"],
    ["kms-v1[secrets=500].write.p50<1h", false, "no cell of the run is meant by it"],
    ["kms-v2.write.clientCpu<1ms", false, "write has no clientCpu"],
    ["kms-v2.migrate.p50<1ms", false, "there was no phase migrate"],
  ])("%s is %s: %s", (expression, holds, measured) => {
    expect(judge(expression)).toEqual({ expression, holds, measured });
  });

  it("on every provider leaves those out that make no such call", () => {
    const untapped = small.map((cell) =>
      cell.provider === "identity" ? { ...cell, phases: cell.phases.map((phase) => ({ ...phase, kms: null })) } : cell,
    );
    expect(judge("write.encrypts<=50", untapped)).toMatchObject({ holds: true });
    expect(judge("identity.write.encrypts<=50", untapped)).toMatchObject({ holds: false });
  });

  it("holds for what several rounds measured together, for the median, and for each count", () => {
    const ofRounds = rounds((round) => ({ durationMs: round * 100, requests: { due: 50, ok: 50, failed: round - 1, dropped: 0 } }));
    expect(judge("write.duration==200ms", ofRounds)).toMatchObject({ holds: true });
    expect(judge("write.failed<=1", ofRounds)).toMatchObject({ holds: false, measured: "2" });
    expect(judge("write.failed>=1", ofRounds)).toMatchObject({ holds: false, measured: "0" });
    expect(judge("write.failed<=2", ofRounds)).toMatchObject({ holds: true, measured: "2" });
  });

  it("takes a benchmark's own figures in the unit that their names say", () => {
    const ofRounds = rounds(() => ({
      figures: { firstWriteMs: 12, edekBytes: 2048, staleCount: 3, readyMsMax: 1500, eventMsP99: 2, migratedPerSecond: 80 },
    }));
    expect(judge("write.firstWriteMs<12.5ms", ofRounds)).toMatchObject({ holds: true, measured: "12ms" });
    expect(judge("write.edekBytes<=2KiB", ofRounds)).toMatchObject({ holds: true, measured: "2KiB" });
    expect(judge("write.readyMsMax<=1.5s", ofRounds)).toMatchObject({ holds: true, measured: "1.5s" });
    expect(judge("write.eventMsP99<1ms", ofRounds)).toMatchObject({ holds: false, measured: "2ms" });
    expect(judge("write.migratedPerSecond>79/s", ofRounds)).toMatchObject({ holds: true, measured: "80/s" });
    expect(judge("write.staleCount<3", ofRounds)).toMatchObject({ holds: false, measured: "3" });
  });
});

describe("words that are no threshold are refused in one sentence", () => {
  it.each([
    ["write.p99", "bad-threshold", "it has none of <=, >=, ==, <, >"],
    ["write.p99<", "bad-threshold", '"" is neither a value'],
    ["write.p99<20mss2x", "bad-threshold", "or a parameter like secrets"],
    ["write.p99=20ms", "bad-threshold", "it has none of"],
    ["kms-v2[secrets=5.write.p99<2ms", "bad-threshold", "a bracket is not closed"],
    ["write<2", "bad-metric", "it names no figure"],
  ])("%s", (expression, code, why) => {
    expect(() => parseThreshold(expression)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(why.replace("or a", "nor a")) }),
    );
  });

  it.each([
    ["write.p99<20", "bad-threshold", "p99 is a time, so its bound is written like 20ms"],
    ["write.failed<20ms", "bad-threshold", "failed is a count, so its bound is written like 50"],
    ["write.p99<secrets", "bad-threshold", "p99 is a time"],
    ["write.failed<secrts", "bad-threshold", 'no parameter is called "secrts", the nearest is "secrets"'],
    ["wirte.p99<20ms", "unknown-metric", 'the nearest is "write"'],
  ])("%s in this run", (expression, code, why) => {
    expect(() => requireThreshold(parseThreshold(expression), namesOf(small))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(why) }),
    );
  });

  it("but brackets may hold an operator", () => {
    expect(parseThreshold('kms-v2[shape="a<b"].write.p99 <= 20ms').metric.where).toEqual({ shape: "a<b" });
  });
});
