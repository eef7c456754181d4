import { expect, it } from "vitest";
import { parseFleet } from "./fleet.ts";
import { Simulation } from "./simulation.ts";

/** Plays so many that start at once, for three times as long as the quota needs for all of their calls, and counts those that are ready then. */
function ready({ cachesize, apiServers }: { readonly cachesize: number; readonly apiServers: number }): number {
  const fields = { secrets: 400, kms: "v1", kmsLatency: "20ms", apiServers, quota: 20, cachesize, kubernetes: "v1.37.2" };
  const simulation = new Simulation({ fleet: parseFleet(fields, (field) => field), seed: "never" });
  for (const server of simulation.servers) server.start();
  simulation.queue.run(3 * ((apiServers * 400) / 20) * 1000);
  return simulation.servers.filter(({ cachesAfterMs }) => cachesAfterMs !== undefined).length;
}

it("shows API servers that hold each other up over the quota, unless they are few or what they decrypt stays cached", () => {
  // A call waits for those of the others: 40 servers have 400 under way, of which the quota lets 60 through before the timeout of 3 s.
  expect(ready({ cachesize: 10, apiServers: 40 })).toBeLessThan(10);
  expect(ready({ cachesize: 1000, apiServers: 40 })).toBe(40);
  expect(ready({ cachesize: 10, apiServers: 5 })).toBe(5);
});
