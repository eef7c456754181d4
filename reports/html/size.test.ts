import { expect, it } from "vitest";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import { readRun } from "../../harness/run/read-run.ts";
import { benchProviders, type Latency, type Result } from "../../harness/run/schema.ts";
import { html } from "../html.ts";
import { withTimelines } from "./with-timelines.ts";

/** Ten million requests in buckets from 200 µs to 1 s. */
function tenMillion(): Latency {
  const buckets = Uint16Array.from({ length: 8000 }, (_, at) => 12_000 + at);
  const counts = Uint32Array.from(buckets, (_, at) => Math.max(1, Math.round(2500 * Math.exp(-at / 2000))));
  const sum = counts.reduce((total, count) => total + count, 0);
  counts[0] = (counts[0] ?? 0) + 10_000_000 - sum;
  const latency = LatencyHistogram.fromCompact({ buckets, counts, extent: Float64Array.of(1e7 * 1e6, 2e5, 1e9) }).toLatency();
  if (latency === null) throw new Error("It holds ten million.");
  return latency;
}

/** Six providers, ten numbers of Secrets, nine phases: as much as a night measures, each timeline as fine as it may be. */
async function nightlyRun(): Promise<Result> {
  const complete = await readRun("reports/fixtures/complete");
  const latency = tenMillion();
  const [cell] = complete.cells.filter(({ provider, secrets }) => provider === "kms-v1" && secrets === 500);
  if (cell === undefined) throw new Error("The fixture has no such cell.");
  const cells = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000].flatMap((secrets) =>
    benchProviders.map((provider) => ({
      ...cell,
      ...{ provider, secrets },
      phases: cell.phases.map((phase) => ({ ...phase, latency: phase.latency === null ? null : latency })),
    })),
  );
  return withTimelines({ ...complete, cells }, 240);
}

it("is below 3 MB for a run of ten million requests a phase in sixty cells", async () => {
  const result = await nightlyRun();
  expect(result.cells).toHaveLength(60);
  const page = await html.render(result);
  expect(Buffer.byteLength(page)).toBeLessThan(3_000_000);
  // What is not drawn is told.
  expect(page).toMatch(/\d+ more (cells|charts) are not drawn here; result\.json has what they would show\./);
});
