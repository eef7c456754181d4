import { expect, it } from "vitest";
import { type Fleet, parseFleet } from "./fleet.ts";
import { outageOf } from "./outage.ts";

const fleetOf = (fields: object): Fleet => parseFleet({ secrets: 50, apiServers: 1, outage: "5m", ...fields }, (field) => field);

/** `120 to 180`: the seconds after which writes fail. */
function writesFail(fleet: Fleet): number[] {
  const [first = ""] = outageOf(fleet, "1").effects;
  const [, low = "NaN", high = low] = /the first ([\d.]+) s(?: to ([\d.]+) s)? after the outage began/.exec(first) ?? [];
  return [Number(low), Number(high)];
}

it("breaks writes of KMS v1 at once", () => {
  const [low = Number.NaN, high = Number.NaN] = writesFail(fleetOf({ kms: "v1" }));
  expect(low).toBeGreaterThanOrEqual(0);
  expect(high).toBeLessThan(5);
});

it("breaks writes of KMS v2 when the seed expires, two to three minutes after its last good Status (spec encryption-at-rest 2.5)", () => {
  const [low = Number.NaN, high = Number.NaN] = writesFail(fleetOf({ kms: "v2", callsPerStatus: 1, healthInterval: "1d" }));
  expect(low).toBeGreaterThanOrEqual(120);
  expect(high).toBeLessThanOrEqual(182);
  expect(high - low).toBeGreaterThan(5);
});

it("breaks no write of KMS v2 where the outage is over before, or where Status does not ask the KMS", () => {
  expect(outageOf(fleetOf({ kms: "v2", callsPerStatus: 1, outage: "90s" }), "1").effects[0]).toBe(
    "In an outage of the KMS of 90s no writes fail.",
  );
  const silent = outageOf(fleetOf({ kms: "v2", callsPerStatus: 0 }), "1").effects;
  expect(silent[0]).toBe("In an outage of the KMS of 5m no writes fail.");
  expect(silent.join(" ")).toContain("do not notice");
});

it("keeps an API server that starts meanwhile from being ready until the KMS is back", () => {
  const restart =
    outageOf(fleetOf({ kms: "v2", callsPerStatus: 1 }), "1").effects.find((effect) => effect.startsWith("An API server that starts")) ?? "";
  const [, low = "NaN", high = low] = /is ready ([\d.]+) s(?: to ([\d.]+) s)? after its end/.exec(restart) ?? [];
  expect(Number(low)).toBeGreaterThan(0);
  // A failed start is repeated every ten seconds, and the first list up to a minute after that.
  expect(Number(high)).toBeLessThan(75);
});
