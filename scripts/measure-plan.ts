import { systemClock as clock } from "../harness/clock.ts";
import { parseFleet } from "../harness/plan/fleet.ts";
import { planOf } from "../harness/plan/plan.ts";

/**
 * Time and memory of whole plans of large fleets: a region, and a cluster of ten million Secrets, each with KMS v1 and v2. Exit code 1 where one takes more than
 * a minute or a gibibyte.
 * Usage: node scripts/measure-plan.ts
 */
const secondsMax = 60;
const mebibytesMax = 1024;

const month = { kmsLatency: "20ms", quota: 1000, writes: 0.1, rolloutEvery: "1d", rotationEvery: "90d", period: "30d", apiServers: 3 };
const fleets = (["v1", "v2"] as const).flatMap((kms) => [
  { title: `1,000 clusters × 3 API servers × 10,000 Secrets, KMS ${kms}`, described: { ...month, kms, clusters: 1000, secrets: 10_000 } },
  { title: `1 cluster × 3 API servers × 10,000,000 Secrets, KMS ${kms}`, described: { ...month, kms, secrets: 10_000_000 } },
]);

for (const { title, described } of fleets) {
  const startMs = clock.monotonicMs();
  const fleet = parseFleet(described, (field) => field);
  const { figures } = planOf({ described, fleet, seed: "1", prices: undefined, sweep: undefined, stated: [] });
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  const mebibytes = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(
    `${title}: ${seconds.toFixed(1)} s, at most ${mebibytes.toFixed(0)} MiB until here; ${Math.round(figures.callsPerMonth)} calls a month.\n`,
  );
  if (seconds > secondsMax || mebibytes > mebibytesMax) process.exitCode = 1;
}
