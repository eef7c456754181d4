import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../clock.ts";
import { Lease } from "../lease.ts";
import { defaultVersions } from "../target/install/index.ts";
import { processesTarget } from "../target/processes.ts";
import { describeReal } from "../target/real-test.ts";
import { SecretsClient } from "./api-client.ts";
import { LoadDriver } from "./driver.ts";
import { parseMetrics, sumOf } from "./metrics.ts";
import { population } from "./population.ts";
import { promiseSender } from "./promise-sender.ts";
import { closedLoop } from "./schedule.ts";
import { encodeSecret } from "./secret-spec.ts";

const listSchema = z.object({ items: z.array(z.object({ metadata: z.object({ namespace: z.string(), name: z.string() }) })) });
const secretSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }), data: z.record(z.string(), z.string()).optional() });

await describeReal("processes", "a real API server", () => {
  it("takes, lists, keeps and changes all of 200 Secrets", async () => {
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
    await using client = new SecretsClient({ api: plane.api, connections: 8 });
    await client.warmUp();
    const secrets = population({ secrets: 200, seed: "real" });
    for (const namespace of secrets.namespaces) expect((await client.createNamespace(namespace)).status).toBe(201);
    const drive = async (send: (index: number) => ReturnType<SecretsClient["getSecret"]>) => {
      const driver = new LoadDriver({
        schedule: closedLoop({ inFlight: 8, count: 200 }),
        sender: promiseSender(200, send),
        clock: systemClock,
        signal,
      });
      const { ok, failures } = await driver.run();
      return { ok, failures };
    };
    const right = { ok: 200, failures: [] };

    const created: number[] = [];
    expect(
      await drive(async (index) => {
        const answer = await client.createSecret(encodeSecret(secrets.at(index)));
        created.push(answer.status);
        return answer;
      }),
    ).toEqual(right);
    expect(new Set(created)).toEqual(new Set([201]));

    const pages = await Array.fromAsync(client.listPages({ limit: 30 }));
    const listed = pages.flatMap((page) =>
      listSchema.parse(page.json()).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    );
    expect(pages).toHaveLength(7);
    expect(listed).toEqual(Array.from({ length: 200 }, (_, index) => `${secrets.at(index).namespace}/${secrets.at(index).name}`));

    const read = async (index: number) => {
      const { namespace, name } = secrets.at(index);
      const { metadata, data = {} } = secretSchema.parse((await client.getSecret(namespace, name)).json());
      return { version: metadata.resourceVersion, data };
    };
    const dataOf = (index: number, generation: number) =>
      Object.fromEntries([...secrets.at(index, generation).data].map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
    const before = await Promise.all(Array.from({ length: 200 }, (_, index) => read(index)));
    expect(before.filter(({ data }, index) => JSON.stringify(data) !== JSON.stringify(sorted(dataOf(index, 0))))).toEqual([]);

    expect(await drive((index) => client.replaceUnchanged(secrets.at(index).namespace, secrets.at(index).name))).toEqual(right);
    const unchanged = await Promise.all(Array.from({ length: 200 }, (_, index) => read(index)));
    expect(unchanged.map(({ version }) => version)).toEqual(before.map(({ version }) => version));

    expect(await drive((index) => client.updateSecret(encodeSecret(secrets.at(index, 1))))).toEqual(right);
    const after = await Promise.all(Array.from({ length: 200 }, (_, index) => read(index)));
    expect(after.filter(({ data }, index) => JSON.stringify(data) !== JSON.stringify(sorted(dataOf(index, 1))))).toEqual([]);
    // The four copies of the Secret without values are what an update does not change.
    expect(after.filter(({ version }, index) => version === before[index]?.version)).toHaveLength(4);
    const stale = await client.updateSecret(encodeSecret(secrets.at(10, 2), before[10]?.version));
    expect({ status: stale.status, failure: stale.failure }).toMatchObject({ status: 409, failure: expect.stringContaining("…") });

    const metrics = parseMetrics(await client.metrics(), ["apiserver_request_total"]);
    expect(sumOf(metrics, "apiserver_request_total", { resource: "secrets", verb: "POST", code: "201" })).toBe(200);
    expect(await client.version()).toBe(plane.kubernetesVersion);
    expect((await client.readyz()).text()).toContain("readyz check passed");

    expect(await drive((index) => client.deleteSecret(secrets.at(index).namespace, secrets.at(index).name))).toEqual(right);
    expect((await client.getSecret("default", "orders-db-credentials")).failure).toBe('secrets "…" not found');
  });
});

/** In the order in which the API server gives the keys of `data`. */
function sorted(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
}
