import { describe, expect, it } from "vitest";
import { FailureTally } from "./failure-tally.ts";

describe("FailureTally", () => {
  it("gives the most frequent first, and no more than asked for", () => {
    const tally = new FailureTally();
    for (const [status, message] of [
      [500, "a"],
      [404, "b"],
      [500, "b"],
      [404, "b"],
    ] as const)
      tally.add(status, message);
    expect(tally.mostFrequent(2)).toEqual([
      { status: 404, message: "b", count: 2 },
      { status: 500, message: "a", count: 1 },
    ]);
  });

  it("cuts a message at 200 characters", () => {
    const tally = new FailureTally();
    tally.add(500, "x".repeat(200));
    tally.add(500, "y".repeat(201));
    expect(tally.mostFrequent(2).map(({ message }) => message)).toEqual(["x".repeat(200), `${"y".repeat(199)}…`]);
  });

  it("tells 200 failures apart and lumps the others by status", () => {
    const tally = new FailureTally();
    for (let index = 0; index < 1000; index++) tally.add(500, `at ${index}`);
    tally.add(500, "at 7");
    expect(tally.mostFrequent(2)).toEqual([
      { status: 500, message: "other messages", count: 800 },
      { status: 500, message: "at 7", count: 2 },
    ]);
  });
});
