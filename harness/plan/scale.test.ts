import { expect, it } from "vitest";
import { figuresOf, fleetCalls } from "./figures.ts";
import { parseFleet } from "./fleet.ts";

it("lets some clusters stand for many, with the calls that all of them make", () => {
  const fields = { secrets: 100, kms: "v1", cachesize: 10, apiServers: 2, rolloutEvery: "1d", period: "2d", writes: 0.01 };
  const callsOf = (clusters: number) =>
    fleetCalls(
      parseFleet({ ...fields, clusters }, (field) => field),
      "1",
    ).kms;
  const [one, many] = [callsOf(1), callsOf(240)];
  expect(many.max / one.max).toBeGreaterThan(235);
  expect(many.max / one.max).toBeLessThan(245);
});

it("reckons a region and a cluster of ten million without playing them", () => {
  const region = parseFleet(
    { secrets: 10_000, clusters: 1000, kms: "v1", rolloutEvery: "1d", rotationEvery: "90d", quota: 1000 },
    (field) => field,
  );
  const figures = figuresOf(region, "1", undefined);
  expect(figures.readyRegionMs).toBeNull();
  expect(figures.callsPerMonth).toBeGreaterThan(1000 * 3 * 10_000 * 30);
  const large = figuresOf(
    parseFleet({ secrets: 10_000_000, kms: "v1", kmsLatency: "20ms", apiServers: 1 }, (field) => field),
    "1",
    undefined,
  );
  expect(large.readyOneMs).toBe(1500 + 1_000_000 + 20_000_000);
});
