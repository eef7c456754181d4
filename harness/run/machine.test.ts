import { expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { clockResolutionNs, machineFacts } from "./machine.ts";
import { headerSchema } from "./schema.ts";

/** A clock whose readings are given. */
function scripted(readingsMs: readonly number[]) {
  const left = [...readingsMs];
  return Object.assign(new VirtualClock(), { monotonicMs: () => left.shift() ?? Number.NaN });
}

it("takes the smallest step between two readings for the clock's resolution", () => {
  expect(clockResolutionNs(scripted([0, 0, 0.001, 0.001, 0.0015, 0.01]), 5)).toBe(500);
});

it("says 0 of a clock that stands still", () => {
  expect(clockResolutionNs(new VirtualClock(), 100)).toBe(0);
});

it("describes the machine as the header needs it", () => {
  expect(headerSchema.shape.machine.safeParse(machineFacts()).error).toBeUndefined();
  expect(machineFacts()).toMatchObject({ node: process.version, cpus: expect.toSatisfy((cpus) => cpus > 0) });
});
