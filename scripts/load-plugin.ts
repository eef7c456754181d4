import { parseArgs } from "node:util";
import { systemClock as clock } from "../harness/clock.ts";
import { kmsVersions } from "../harness/kms/contract.ts";
import { LoadDriver } from "../harness/load/driver.ts";
import { kmsCalls, kmsLoadMethods } from "../harness/load/kms-calls.ts";
import { KmsLoadClient } from "../harness/load/kms-load-client.ts";
import { closedLoop } from "../harness/load/schedule.ts";
import { Random } from "../harness/random.ts";

/**
 * Loads a plugin and prints what came of it as one line of JSON; exit code 1 when a call failed or was lost. It is the client's half of a comparison with
 * other tools, in a process of its own, and shows that memory stays flat over any number of calls.
 * Usage: node scripts/load-plugin.ts --socket unix:///path [--kms v2] [--method encrypt] [--in-flight 32] [--calls N | --seconds 2]
 */
const { values } = parseArgs({
  options: {
    socket: { type: "string" },
    kms: { type: "string", default: "v2" },
    method: { type: "string", default: "encrypt" },
    "in-flight": { type: "string", default: "32" },
    connections: { type: "string", default: "1" },
    calls: { type: "string" },
    seconds: { type: "string", default: "2" },
  },
});
const kms = kmsVersions.find((version) => version === values.kms);
const method = kmsLoadMethods.find((name) => name === values.method);
if (values.socket === undefined || kms === undefined || method === undefined)
  throw new TypeError("--socket, --kms v1|v2, --method encrypt|decrypt|status");

const different = 256;
const calls = await kmsCalls({ endpoint: values.socket, kms, method, count: different, random: new Random("load-plugin"), clock });
const count = values.calls === undefined ? 2 ** 31 - 1 : Number(values.calls);
await using client = await KmsLoadClient.connect({ endpoint: values.socket, calls, count, clock, connections: Number(values.connections) });
const driver = new LoadDriver({
  schedule: closedLoop({
    inFlight: Number(values["in-flight"]),
    count,
    ...(values.calls === undefined ? { durationMs: 1000 * Number(values.seconds) } : {}),
  }),
  sender: client,
  clock,
  signal: new AbortController().signal,
});

const rssBytes: number[] = [];
const cpuBefore = process.cpuUsage();
const running = driver.run();
let isOver = false;
void running.finally(() => {
  isOver = true;
});
while (!isOver) {
  await Promise.race([running, clock.sleep(1000)]);
  rssBytes.push(process.memoryUsage.rss());
}
const { due, ok, failed, failures, durationMs, latency } = await running;
const { user, system } = process.cpuUsage(cpuBefore);
const quantiles = latency.toLatency();
process.stdout.write(
  `${JSON.stringify({
    calls: due,
    ok,
    failed,
    lost: due - ok - failed,
    failures,
    durationMs,
    callsPerSecond: (ok * 1000) / durationMs,
    loadCpuMs: (user + system) / 1000,
    latencyNs: quantiles === null ? null : { p50: quantiles.p50, p99: quantiles.p99, p999: quantiles.p999, max: quantiles.max },
    // The first half has what is made once.
    rssBytes: { half: rssBytes[Math.floor(rssBytes.length / 2)] ?? 0, end: rssBytes.at(-1) ?? 0 },
  })}\n`,
);
process.exitCode = ok === due && (values.calls === undefined || due === count) ? 0 : 1;
