import { expect, it } from "vitest";
import { systemClock as clock } from "../clock.ts";
import { Lease } from "../lease.ts";
import { SecretsClient } from "../load/api-client.ts";
import { readClusterFacts } from "./cluster-facts.ts";
import { defaultVersions } from "./install/index.ts";
import { processesTarget } from "./processes.ts";
import { describeReal } from "./real-test.ts";

/** More than a page of the list. */
const secrets = 510;

await describeReal("processes", "a cluster that runs", () => {
  it("tells its version, its API servers, its Secrets beyond one page, and what was written", async () => {
    await using lease = Lease.take("test", async () => {});
    const { signal } = new AbortController();
    const spec = { ...defaultVersions, encryption: undefined, featureGates: {}, lease, clock, signal };
    await using plane = await processesTarget(process.env).start(spec);
    await using client = new SecretsClient({ api: plane.api, connections: 8 });
    const names = Array.from({ length: secrets }, (_, index) => `secret-${index}`);
    for (let at = 0; at < secrets; at += 8) {
      await Promise.all(
        names.slice(at, at + 8).map((name) => {
          const body = Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" } }));
          return client.createSecret({ namespace: "default", name, body }, signal);
        }),
      );
    }
    const facts = await readClusterFacts(plane.api, clock.wallMs(), signal);
    expect(facts).toMatchObject({ kubernetes: "v1.37.2", apiServers: 1, secrets, kms: undefined, dekSources: undefined, kmsLatency: [] });
    expect(facts.writesPerSecond).toBeGreaterThan(0);
    expect(facts.readsPerSecond).toBe(0);
  });
});
