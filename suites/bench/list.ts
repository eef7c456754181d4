import { createRequest, type LoadRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import { closedLoop } from "../../harness/load/schedule.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { basisWords, contests, contestWords, measuredOf } from "./comparison.ts";
import { createNamespaces, requestLoad, secretBodies, sendAside } from "./secret-load.ts";
import { plain, sideBySide } from "./side-by-side.ts";

/** How often a phase lists everything. */
const lists = 10;
/** What a controller asks for when it starts: any version will do. */
const anyVersion: LoadRequest = { method: "GET", path: "/api/v1/secrets?resourceVersion=0" };
/** The newest version, which the API server has from its watch cache since 1.31 and from etcd before (spec encryption-at-rest 6.1). */
const newest: LoadRequest = { method: "GET", path: "/api/v1/secrets" };

export const list = {
  id: "list",
  question: "What does a provider add to a list of all Secrets, as controllers and as kubectl ask for it?",
  knownBefore:
    "Before 1.31 each list decrypted every Secret, and kubernetes/kubernetes#90856 reports 80 s for 2,000 under KMS v1; what a list costs since it comes from the watch cache is published nowhere.",
  takes: "45 s for 500 Secrets, three providers and five rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["list", "cached"] },
  understands: ["secrets", "providers", "rounds", "kms-latency", "api-servers", "cachesize"],
  defaults: {
    secrets: [500],
    providers: ["identity", "kms-v2", "kms-v1"],
    rounds: 5,
    load: { model: "closed", inFlight: 1 },
  },
  async run(bench: Bench) {
    const { options, signal, journal } = bench;
    const cells = await sideBySide(bench, {
      benchmark: "list",
      options,
      variants: plain,
      requestsOf: () => 2 * lists,
      async prepare({ meter }, count) {
        const secrets = population({ secrets: count, seed: options.seed });
        await createNamespaces(meter, secrets.namespaces, signal);
        await sendAside(meter, secretBodies(secrets).map(createRequest), signal);
      },
      async measure({ meter }) {
        const schedule = closedLoop({ inFlight: 1, count: lists });
        const each = (request: LoadRequest) =>
          requestLoad(
            meter,
            schedule,
            Array.from({ length: lists }, () => request),
          );
        await meter.load("list", each(newest));
        await meter.load("cached", each(anyVersion));
      },
    });
    for (const { name, cells: group } of contests(cells)) {
      const current = contestWords(measuredOf(group, "list", options.providers));
      const cached = contestWords(measuredOf(group, "cached", options.providers));
      const text = `A list of the newest takes ${current}. One of any version takes ${cached}; ${basisWords(name, options)}.`;
      journal.append({ event: "finding", finding: { benchmark: "list", text } });
    }
  },
} satisfies Benchmark;
