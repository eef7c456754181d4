import { join } from "node:path";
import { systemClock } from "../harness/clock.ts";
import { connectKmsV2 } from "../harness/kms/client.ts";
import type { KmsV2 } from "../harness/kms/contract.ts";
import { startTapWorker } from "../harness/kms/tap.ts";
import { Lease } from "../harness/lease.ts";
import { startPluginProcess } from "../harness/plugin-process.ts";
import { Random } from "../harness/random.ts";
import { machineFacts } from "../harness/run/machine.ts";
import { interval, median } from "./peers/ratio-table.ts";

/**
 * What the tap adds to a call at the median: the bundled plugin in a process of its own, called directly and through a tap in a thread of
 * its own, in turns. Prints a table for docs/tap.md; exit code 1 when an interval of the calls that wait for nothing but themselves, one in
 * flight, reaches above the limit. Eight in flight fill a small machine's processors, so that what they show is throughput.
 * Usage: node scripts/measure-tap.ts [ROUNDS]
 */
const limitMs = 0.15;
const rounds = Number(process.argv[2] ?? 200);
/** Calls of one kind and way in a round; the difference of their medians is one observation. */
const callsPerRound = 50;
const warmUpRounds = 20;

interface Load {
  readonly name: string;
  readonly inFlight: number;
  call(kms: KmsV2): Promise<unknown>;
}

const random = new Random("measure-tap");
await using lease = Lease.take("measure-tap", async () => {});
await using plugin = await startPluginProcess({ lease, clock: systemClock, signal: new AbortController().signal });
await using tap = await startTapWorker({ listen: join(lease.folder, "tap.sock"), upstream: plugin.socket });
using direct = connectKmsV2(plugin.socket);
using through = connectKmsV2(tap.socket);

const plaintext = random.bytes(32);
const uid = "00000000-0000-4000-8000-000000000000";
const encrypted = await direct.encrypt({ plaintext, uid });
const loads: readonly Load[] = [1, 8].flatMap((inFlight) => [
  { name: "Status", inFlight, call: (kms: KmsV2) => kms.status() },
  { name: "Encrypt", inFlight, call: (kms: KmsV2) => kms.encrypt({ plaintext, uid }) },
  { name: "Decrypt", inFlight, call: (kms: KmsV2) => kms.decrypt({ ...encrypted, uid }) },
]);

const { cpu, cpus, system, node } = machineFacts();
process.stdout.write(`${cpus} × ${cpu}, ${system}, Node.js ${node}; ${rounds} rounds of ${callsPerRound} calls each way\n\n`);
process.stdout.write(
  "| call | in flight | direct p50 | through the tap p50 | added at the median (95 % interval) |\n|---|---|---|---|---|\n",
);

let isWithinLimit = true;
for (const load of loads) {
  const all = { direct: [] as number[], through: [] as number[] };
  const differencesMs: number[] = [];
  for (let round = -warmUpRounds; round < rounds; round++) {
    // Which goes first is drawn, so that neither always finds the warmer caches.
    const isDirectFirst = random.below(2) === 0;
    const first = await latenciesMs(load, isDirectFirst ? direct : through);
    const second = await latenciesMs(load, isDirectFirst ? through : direct);
    const [directMs, throughMs] = isDirectFirst ? [first, second] : [second, first];
    if (round < 0) continue;
    all.direct.push(...directMs);
    all.through.push(...throughMs);
    differencesMs.push(median(throughMs) - median(directMs));
  }
  await tap.drain();
  const [low, high] = interval(differencesMs, random);
  if (load.inFlight === 1 && high > limitMs) isWithinLimit = false;
  const figures = [median(all.direct), median(all.through)].map((ms) => `${ms.toFixed(3)} ms`).join(" | ");
  const added = `${median(differencesMs).toFixed(3)} ms (${low.toFixed(3)}–${high.toFixed(3)})`;
  process.stdout.write(`| ${load.name} | ${load.inFlight} | ${figures} | ${added} |\n`);
}
const problems = await tap.problems();
process.stdout.write(`\nWith one call in flight ${isWithinLimit ? "within" : "above"} the limit of ${limitMs} ms. ${problems.join(" ")}\n`);
process.exitCode = isWithinLimit && problems.length === 0 ? 0 : 1;

/** Sends a round's calls, at most `inFlight` at a time. */
async function latenciesMs({ call, inFlight }: Load, kms: KmsV2): Promise<number[]> {
  const latencies: number[] = [];
  let left = callsPerRound;
  const worker = async () => {
    while (left-- > 0) {
      const sentMs = systemClock.monotonicMs();
      await call(kms);
      latencies.push(systemClock.monotonicMs() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return latencies;
}
