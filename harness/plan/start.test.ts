import { describe, expect, it } from "vitest";
import { reckonStart } from "./figures.ts";
import { type Fleet, parseFleet } from "./fleet.ts";
import { startOf } from "./starts.ts";

const fleetOf = (fields: object): Fleet => parseFleet(fields, (field) => field);

describe("a start of API servers", () => {
  it("decrypts ten at a time since v1.37, and one by one before (spec encryption-at-rest 7)", () => {
    const fields = { secrets: 430, kms: "v1", kmsLatency: "20ms", apiServers: 1, listStart: "1s", serverStart: "1s", objectTime: "0ms" };
    expect(startOf(fleetOf(fields), "", 1, "1").ready?.midMs).toBe(1000 + 43 * 20);
    expect(startOf(fleetOf({ ...fields, kubernetes: "v1.36.0" }), "", 1, "1").ready?.midMs).toBe(1000 + 430 * 20);
  });

  it("is ready before its caches are filled where readyz does not wait for them, before v1.36", () => {
    const fields = {
      secrets: 430,
      kms: "v1",
      kmsLatency: "20ms",
      apiServers: 1,
      listStart: "1s",
      serverStart: "1s",
      kubernetes: "v1.35.0",
    };
    expect(startOf(fleetOf(fields), "", 1, "1").ready?.midMs).toBe(1000 + 2 * 20);
  });

  it("has with KMS v2 between one call a source and one a decoder and source", () => {
    const fleet = fleetOf({ secrets: 200, kms: "v2", dekSources: 2, kmsLatency: "50ms", apiServers: 1 });
    expect(reckonStart(fleet, 1).calls).toEqual({ min: 2 + 1, max: 20 + 1 });
    expect(reckonStart(fleetOf({ secrets: 200, kms: "v2", dekSources: 2, kubernetes: "v1.36.0" }), 1).calls).toEqual({ min: 3, max: 3 });
  });

  it.each([
    { secrets: 3000, kms: "v1", kmsLatency: "10ms", apiServers: 3, quota: 500 },
    { secrets: 2000, kms: "v1", kmsLatency: "40ms", apiServers: 2, quota: 100 },
    { secrets: 900, kms: "v1", kmsLatency: "40ms", apiServers: 2 },
    { secrets: 900, kms: "v2", kmsLatency: "40ms", apiServers: 2 },
  ])("is reckoned as it is played: $secrets Secrets, KMS $kms, quota $quota", (fields) => {
    const fleet = fleetOf(fields);
    const played = startOf(fleet, "", fields.apiServers, "1");
    const reckoned = reckonStart(fleet, fields.apiServers);
    expect(played.how).toBe("simulated");
    // A bucket that is full at the start and the last window make the difference.
    expect(Math.abs((reckoned.readyMs ?? 0) - (played.ready?.midMs ?? 0)) / (played.ready?.midMs ?? 1)).toBeLessThan(0.03);
  });

  it("may never be over where what waits for the quota waits longer than the timeout, and nothing stays cached", () => {
    const fields = { secrets: 300, kms: "v1", kmsLatency: "20ms", apiServers: 20, quota: 50, cachesize: 20 } as const;
    expect(reckonStart(fleetOf(fields), 20)).toMatchObject({ readyMs: null, note: expect.stringContaining("may never be over") });
    expect(reckonStart(fleetOf({ ...fields, cachesize: 1000 }), 20).readyMs).not.toBeNull();
    // Few enough at once are served.
    expect(reckonStart(fleetOf(fields), 10).readyMs).not.toBeNull();
  });
});
