import { expect, it } from "vitest";
import { Random } from "../random.ts";
import { drawLatencyMs, type Fault, FaultPlan } from "./fault.ts";

const hang: Fault = { name: "hang", action: { kind: "hang" } };

function plan(...faults: Fault[]): FaultPlan {
  return new FaultPlan(faults, new Random("seed"));
}

it("leaves calls alone that no fault is for", () => {
  const faults = plan({ ...hang, method: "Encrypt", kms: "v1" });
  expect([faults.decide("v2", "Encrypt", 0), faults.decide("v1", "Decrypt", 0), faults.decide("v1", "Encrypt", 0)?.ending]).toEqual([
    undefined,
    undefined,
    { kind: "hang" },
  ]);
});

it("meets every third of the calls that it is for", () => {
  const faults = plan({ ...hang, method: "Encrypt", every: 3 });
  const met = ["Encrypt", "Decrypt", "Encrypt", "Encrypt", "Encrypt", "Encrypt", "Encrypt"] as const;
  expect(met.map((method) => faults.decide("v2", method, 0) !== undefined)).toEqual([false, false, false, true, false, false, true]);
});

it("begins at its time and ends before its other one", () => {
  const faults = plan({ ...hang, fromMs: 10, toMs: 20 });
  expect([9.9, 10, 19.9, 20].map((atMs) => faults.decide("v2", "Status", atMs) !== undefined)).toEqual([false, true, true, false]);
});

it("meets calls with its probability, the same ones for the same seed", () => {
  const draw = () => {
    const faults = plan({ ...hang, probability: 0.3 });
    return Array.from({ length: 10_000 }, () => faults.decide("v2", "Status", 0) !== undefined);
  };
  const met = draw().filter(Boolean).length;
  expect(met).toBeGreaterThan(2800);
  expect(met).toBeLessThan(3200);
  expect(draw()).toEqual(draw());
});

it("adds latencies up, and lets the first fault that ends a call end it", () => {
  const slow: Fault = { name: "slow", action: { kind: "latency", latency: { shape: "constant", ms: 5 } } };
  const cut: Fault = { name: "cut", action: { kind: "cut" } };
  expect(plan(slow, cut, { ...slow, name: "slower" }, hang).decide("v2", "Status", 0)).toEqual({
    names: "slow, cut, slower",
    delayMs: 10,
    ending: { kind: "cut" },
  });
});

it("lets so many calls a second pass, as many at once after a pause, and counts none that another fault ends", () => {
  const limit: Fault = { name: "limit", action: { kind: "limit", perSecond: 5 } };
  const passed = (faults: FaultPlan, atMs: readonly number[]) => atMs.filter((ms) => faults.decide("v1", "Decrypt", ms) === undefined);
  // Five at once, and a fifth of a second for each other one.
  const tenths = Array.from({ length: 20 }, (_, index) => index * 100);
  expect(passed(plan(limit), tenths)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 1000, 1200, 1400, 1600, 1800]);
  expect(passed(plan(limit), [0, 0, 0, 0, 0, 0, 60_000])).toEqual([0, 0, 0, 0, 0, 60_000]);
  expect(plan({ ...limit, action: { kind: "limit", perSecond: 0.5 } }, hang).decide("v1", "Decrypt", 0)).toMatchObject({ names: "hang" });
  const over = plan({ ...hang, name: "first", every: 2 }, { ...limit, action: { kind: "limit", perSecond: 1 } });
  expect([0, 0, 0].map((ms) => over.decide("v1", "Encrypt", ms)?.ending)).toEqual([
    undefined,
    { kind: "hang" },
    { kind: "error", grpcCode: 8, message: "more than 1 calls a second" },
  ]);
});

/** A generator that draws what it is told. */
class Scripted extends Random {
  #fraction: number;

  constructor(fraction: number) {
    super("scripted");
    this.#fraction = fraction;
  }

  override fraction(): number {
    return this.#fraction;
  }
}

it("draws each distribution as it is defined", () => {
  const points = [
    { fraction: 0.5, ms: 10 },
    { fraction: 0.9, ms: 50 },
  ];
  const quantiles = { shape: "quantiles", points } as const;
  expect(drawLatencyMs({ shape: "constant", ms: 7 }, new Scripted(0))).toBe(7);
  expect(drawLatencyMs({ shape: "uniform", fromMs: 10, toMs: 30 }, new Scripted(0.25))).toBe(15);
  expect(drawLatencyMs({ shape: "exponential", meanMs: 20 }, new Scripted(1 - Math.exp(-1)))).toBeCloseTo(20, 9);
  expect([0, 0.5, 0.7, 0.95].map((fraction) => drawLatencyMs(quantiles, new Scripted(fraction)))).toEqual([
    10,
    10,
    expect.closeTo(30, 9),
    50,
  ]);
});
