import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { systemClock as clock } from "../harness/clock.ts";
import { openApiLoad } from "../harness/load/api-load-client.ts";
import { LoadDriver } from "../harness/load/driver.ts";
import { createRequest } from "../harness/load/load-request.ts";
import { closedLoop } from "../harness/load/schedule.ts";

/**
 * Creates Secrets on an API server and prints what came of it as one line of JSON; exit code 1 when a create failed. It is the client's half of a
 * comparison with other tools, in a process of its own.
 * Usage: node scripts/load-api-server.ts --job FILE --run NAME --creates N --in-flight 32
 */
const { values } = parseArgs({
  options: {
    job: { type: "string", default: "" },
    run: { type: "string", default: "run" },
    creates: { type: "string", default: "1000" },
    "in-flight": { type: "string", default: "32" },
  },
});
const jobSchema = z.object({
  api: z.object({ url: z.string(), caPem: z.string(), identity: z.object({ kind: z.literal("token"), token: z.string() }) }),
  namespace: z.string(),
  /** A Secret as JSON, before and after its name. */
  head: z.string(),
  tail: z.string(),
});
const { api, namespace, head, tail } = jobSchema.parse(JSON.parse(await readFile(values.job, "utf8")));
const count = Number(values.creates);
const inFlight = Number(values["in-flight"]);

const requests = Array.from({ length: count }, (_, index) => {
  const name = `${values.run}-${index}`;
  return createRequest({ namespace, name, body: Buffer.from(head + name + tail) });
});
await using load = await openApiLoad({ api, inFlightMax: inFlight, clock });
const driver = new LoadDriver({
  schedule: closedLoop({ inFlight, count }),
  sender: load.sender(requests),
  clock,
  signal: new AbortController().signal,
});
const cpuBefore = process.cpuUsage();
const { due, ok, failures, durationMs, latency } = await driver.run();
const { user, system } = process.cpuUsage(cpuBefore);
const quantiles = latency.toLatency();
process.stdout.write(
  `${JSON.stringify({
    protocol: load.protocol,
    creates: due,
    ok,
    failures,
    createsPerSecond: (ok * 1000) / durationMs,
    loadCpuMs: (user + system) / 1000,
    p50Ms: (quantiles?.p50 ?? 0) / 1e6,
    p99Ms: (quantiles?.p99 ?? 0) / 1e6,
  })}\n`,
);
process.exitCode = ok === count ? 0 : 1;
