import { describe, expect, it } from "vitest";
import { namesOf } from "../run/metric.ts";
import { parseLimit, requireLimit } from "./limit.ts";
import { madeUpSide } from "./made-up-side.ts";

const { cells } = madeUpSide();

describe("a limit", () => {
  it.each([
    ["write.p99 > +10%", ">", { percent: 10 }],
    ["write.p99>10%", ">", { percent: 10 }],
    ["write.rate < -5%", "<", { percent: -5 }],
    ["write.p99 > +2ms", ">", { value: 2e6, dimension: "time" }],
    ["write.rate < -5/s", "<", { value: -5, dimension: "rate" }],
    ["kms-v2[secrets=500].write.encrypts > +0", ">", { value: 0, dimension: "count" }],
  ])("is read: %s", (expression, operator, bound) => {
    const limit = parseLimit(expression);
    expect(limit).toMatchObject({ expression, operator, bound });
    expect(() => requireLimit(limit, namesOf(cells))).not.toThrow();
  });

  it.each([
    ["write.p99", "bad-limit", "it has neither > nor <"],
    ["write.p99 > ", "bad-limit", '"" is no change'],
    ["write.p99 > +10%%", "bad-limit", "is no change"],
    ["write.p99 > +10ms%", "bad-limit", "is no change"],
    ["write.p99 >= +10%", "bad-limit", "is no change"],
    ["write.p99 > --1%", "bad-limit", "is no change"],
    ["write > 10%", "bad-metric", "it names no figure"],
  ])("is refused in one sentence: %s", (expression, code, why) => {
    expect(() => parseLimit(expression)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(why) }));
  });

  it.each([
    ["write.p99 > +5", "bad-limit", "a change of it is written like +10% or +20ms"],
    ["write.encrypts > +5ms", "bad-limit", "a change of it is written like +10% or +50"],
    ["cold.p99 > +5%", "unknown-metric", 'no phase is called "cold"'],
  ])("is refused for these runs: %s", (expression, code, why) => {
    expect(() => requireLimit(parseLimit(expression), namesOf(cells))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(why) }),
    );
  });
});
