import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../clock.ts";
import { Lease } from "../lease.ts";
import { defaultVersions } from "../target/install/index.ts";
import { processesTarget } from "../target/processes.ts";
import { describeReal } from "../target/real-test.ts";
import { SecretsClient } from "./api-client.ts";
import { openApiLoad } from "./api-load-client.ts";
import { LoadDriver, type LoadSample } from "./driver.ts";
import { createRequest, deleteRequest, getRequest, type LoadRequest, updateRequest } from "./load-request.ts";
import { population } from "./population.ts";
import { closedLoop } from "./schedule.ts";
import { encodeSecret } from "./secret-spec.ts";

const listSchema = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string() }), data: z.record(z.string(), z.string()) })),
});

await describeReal("processes", "the client for load and a real API server", () => {
  it("creates, reads, changes and deletes what it says it does, fails what the server refuses, and loses no account of a restart", async () => {
    await using lease = Lease.take("test", async () => {});
    const signal = new AbortController().signal;
    await using plane = await processesTarget(process.env).start({
      ...defaultVersions,
      encryption: undefined,
      featureGates: {},
      lease,
      clock: systemClock,
      signal,
    });
    await using client = new SecretsClient({ api: plane.api, connections: 1 });
    await using load = await openApiLoad({ api: plane.api, inFlightMax: 16, clock: systemClock, signal });
    expect(load.protocol).toBe("h2");
    const drive = async (requests: readonly LoadRequest[], onSample: (sample: LoadSample) => void = () => {}) => {
      const statuses = new Map<number, number>();
      const driver = new LoadDriver({
        schedule: closedLoop({ inFlight: 16, count: requests.length }),
        sender: load.sender(requests),
        clock: systemClock,
        signal,
        onSample: (sample) => {
          statuses.set(sample.status, (statuses.get(sample.status) ?? 0) + 1);
          onSample(sample);
        },
      });
      const { due, failures } = await driver.run();
      return { due, statuses: Object.fromEntries(statuses), failures: failures.map(({ status, message }) => `${status} ${message}`) };
    };

    // With every size up to a megabyte, far beyond the windows that the server opens at first.
    const secrets = population({ secrets: 100, seed: "load" });
    for (const namespace of secrets.namespaces) await client.createNamespace(namespace);
    const bodies = (generation: number) => Array.from({ length: 100 }, (_, index) => encodeSecret(secrets.at(index, generation)));
    expect(await drive(bodies(0).map(createRequest))).toEqual({ due: 100, statuses: { 201: 100 }, failures: [] });
    expect(await drive(bodies(0).map(createRequest))).toEqual({
      due: 100,
      statuses: { 409: 100 },
      failures: ['409 secrets "…" already exists'],
    });
    expect(await drive(bodies(1).map(updateRequest))).toEqual({ due: 100, statuses: { 200: 100 }, failures: [] });
    expect(await drive(bodies(1).map(getRequest))).toEqual({ due: 100, statuses: { 200: 100 }, failures: [] });
    for (const index of [9, 42]) {
      const { namespace, name, data } = secrets.at(index, 1);
      const stored = z.object({ data: z.record(z.string(), z.string()) }).parse((await client.getSecret(namespace, name)).json());
      expect(stored.data).toEqual(Object.fromEntries([...data].map(([key, value]) => [key, Buffer.from(value).toString("base64")])));
    }
    expect(await drive(bodies(1).map(deleteRequest))).toEqual({ due: 100, statuses: { 200: 100 }, failures: [] });
    expect((await drive(bodies(1).map(getRequest))).statuses).toEqual({ 404: 100 });

    await client.createNamespace("restarted");
    const small = Array.from({ length: 3000 }, (_, index) =>
      createRequest(
        encodeSecret({ namespace: "restarted", name: `s-${index}`, type: "Opaque", data: new Map([["at", Buffer.from(String(index))]]) }),
      ),
    );
    const statusOf = new Map<number, number>();
    let restarted: Promise<void> | undefined;
    const counted = await drive(small, ({ index, status }) => {
      expect(statusOf.has(index)).toBe(false);
      statusOf.set(index, status);
      if (statusOf.size === 500) restarted = plane.stopApiServer();
    });
    expect(counted.due).toBe(3000);
    expect(statusOf.size).toBe(3000);
    await restarted;
    await plane.startApiServer();
    const stored = new Map<number, string | undefined>();
    for await (const page of client.listPages({ namespace: "restarted", limit: 500 })) {
      for (const { metadata, data } of listSchema.parse(page.json()).items) stored.set(Number(metadata.name.slice(2)), data["at"]);
    }
    const created = [...statusOf].filter(([, status]) => status === 201).map(([index]) => index);
    expect(created.length).toBeGreaterThanOrEqual(500);
    expect(created.filter((index) => stored.get(index) !== Buffer.from(String(index)).toString("base64"))).toEqual([]);
    // What was in flight when the server went may be stored, and nothing else that was not answered.
    expect(stored.size - created.length).toBeLessThanOrEqual(16);
    expect(stored.size).toBeLessThan(3000);
    for (const failure of counted.failures) expect(failure).toMatch(/^(0 |5\d\d |429 )/);

    const again = small.filter((_, index) => !stored.has(index)).slice(0, 50);
    expect(await drive(again)).toEqual({ due: 50, statuses: { 201: 50 }, failures: [] });
  });
});
