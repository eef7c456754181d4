import { createRequest, deleteRequest, getRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import type { Cell } from "../../harness/run/schema.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { figure, inMs, measuredOf } from "./comparison.ts";
import { startWeight } from "./phase-meter.ts";
import { createNamespaces, requestLoad, scheduleOf, secretBodies, sendAside } from "./secret-load.ts";
import { plain, sideBySide } from "./side-by-side.ts";

const versions = ["kms-v1", "kms-v2"] as const;

export const v1VsV2 = {
  id: "v1-vs-v2",
  question: "What does KMS v2 spare against KMS v1 in writes, in a restart and in the reads after it, as the KMS gets slower?",
  knownBefore:
    "The Kubernetes blog has a p95 of 160 ms for v1 and 80 µs for v2, measured on different clusters, by the API server itself and without a word of the KMS's own latency.",
  takes: "90 s for 50 Secrets and five latencies; a restart is in each cell",
  needs: "control planes that kmsmark starts and restarts, with a tap that makes the KMS slow",
  measures: "control-plane",
  requires: ["configure", "restart", "tap"],
  metrics: { phases: ["write", "restart", "cold"] },
  understands: ["secrets", "load", "rounds", "kms-latency", "api-servers", "cachesize"],
  defaults: {
    providers: versions,
    kmsLatenciesMs: [0, 1, 10, 40, 100],
    load: { model: "open", arrivals: "constant", ratePerSecond: 50, inFlightMax: 64 },
  },
  async run(bench: Bench) {
    const { options, signal, journal } = bench;
    const cells = await sideBySide(bench, {
      benchmark: "v1-vs-v2",
      options,
      variants: plain,
      requestsOf: (secrets) => 2 * secrets + startWeight(options.load),
      async prepare({ meter }, count) {
        const secrets = population({ secrets: count, seed: options.seed });
        await createNamespaces(meter, secrets.namespaces, signal);
        return secretBodies(secrets);
      },
      async measure({ plane, meter }, bodies) {
        const schedule = scheduleOf(options, bodies.length);
        await meter.load("write", requestLoad(meter, schedule, bodies.map(createRequest)));
        await plane.stopApiServer();
        await meter.start("restart", async () => {
          await plane.startApiServer();
          return plane;
        });
        await meter.load("cold", requestLoad(meter, schedule, bodies.map(getRequest)));
        await sendAside(meter, bodies.map(deleteRequest), signal);
      },
    });
    for (const [count, ofSize] of Map.groupBy(cells, ({ secrets }) => secrets)) {
      const latencies = options.kmsLatenciesMs;
      const [v1, v2] = versions.map((version) => latencies.map((ms) => pointOf(ofSize, version, ms, latencies.length === 1)));
      const text =
        `With a KMS of ${latencies.join(", ")} ms a create takes ${row(v1, "write")} under v1 and ${row(v2, "write")} under v2 (medians). ` +
        `A restart with ${count} Secrets takes ${row(v1, "restart")} with ${row(v1, "decrypts")} Decrypt calls under v1, and ${row(v2, "restart")} with ${row(v2, "decrypts")} under v2.`;
      journal.append({ event: "finding", finding: { benchmark: "v1-vs-v2", text } });
    }
  },
} satisfies Benchmark;

interface Point {
  readonly write: string;
  readonly restart: string;
  readonly decrypts: string;
}

function pointOf(cells: readonly Cell[], version: string, kmsLatencyMs: number, isOnly: boolean): Point {
  const at = cells.filter(({ parameters }) => isOnly || parameters["kmsLatencyMs"] === kmsLatencyMs);
  const [write] = measuredOf(at, "write", [version]);
  const [restart] = measuredOf(at, "restart", [version]);
  const phases = restart?.phases ?? [];
  const mean = (of: (phase: (typeof phases)[number]) => number) => phases.reduce((sum, phase) => sum + of(phase), 0) / phases.length;
  return {
    write: inMs(write?.p50),
    restart: `${figure(mean(({ durationMs }) => durationMs) / 1000)} s`,
    decrypts: figure(mean(({ kms }) => (kms?.["Decrypt"]?.calls ?? 0) - (kms?.["Decrypt"]?.probes ?? 0))),
  };
}

function row(points: readonly Point[] = [], name: keyof Point): string {
  return points.map((point) => point[name]).join(", ");
}
