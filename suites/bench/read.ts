import { createRequest, getRequest, type LoadRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { basisWords, contests, contestWords, measuredOf } from "./comparison.ts";
import { findMaxFigures, findMaxOption, measureMaxRate } from "./max-rate.ts";
import { createNamespaces, itemAt, requestLoad, scheduleOf, secretBodies, sendAside } from "./secret-load.ts";
import { plain, sideBySide } from "./side-by-side.ts";

/** Of a closed load by time, which nothing else bounds: a machine answers fewer in a minute. */
const readsMax = 1_000_000;

export const read = {
  id: "read",
  question: "What does a provider add to the read of a Secret by name, from etcd and from the API server's watch cache?",
  knownBefore:
    "KEP-3299 has means of three runs of an end-to-end test (get 8.1 ms without and 7.2 ms with KMS v2); nothing tells reads of the store from reads of the cache.",
  takes: "60 s for 200 Secrets, three providers and five rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["read", "cached", "max"], figures: findMaxFigures },
  understands: ["secrets", "providers", "load", "duration", "rounds", "kms-latency", "api-servers", "cachesize"],
  own: [findMaxOption],
  defaults: { secrets: [200], providers: ["identity", "kms-v2", "kms-v1"], rounds: 5 },
  async run(bench: Bench) {
    const { options, signal, journal } = bench;
    const cells = await sideBySide(bench, {
      benchmark: "read",
      options,
      variants: plain,
      requestsOf: (secrets) => 2 * secrets,
      async prepare({ meter }, count) {
        const secrets = population({ secrets: count, seed: options.seed });
        await createNamespaces(meter, secrets.namespaces, signal);
        const bodies = secretBodies(secrets);
        await sendAside(meter, bodies.map(createRequest), signal);
        return bodies.map(getRequest);
      },
      async measure({ meter }, requests, origin) {
        const schedule = scheduleOf(options, options.load.durationMs === undefined ? requests.length : readsMax);
        // By time there may be more reads than Secrets.
        const reads = Array.from({ length: schedule.count }, (_, index) => itemAt(requests, index % requests.length));
        await meter.load("read", requestLoad(meter, schedule, reads));
        await meter.load("cached", requestLoad(meter, schedule, reads.map(fromCache)));
        const threshold = findMaxOption.of(options);
        if (threshold === undefined) return;
        const requestsOf = async (count: number) => Array.from({ length: count }, (_, index) => itemAt(requests, index % requests.length));
        await measureMaxRate(bench, meter, origin, { threshold, what: "reads", requestsOf });
      },
    });
    for (const { name, cells: group } of contests(cells)) {
      const stored = contestWords(measuredOf(group, "read", options.providers));
      const cached = contestWords(measuredOf(group, "cached", options.providers));
      const text = `A read from etcd takes ${stored}. From the watch cache it takes ${cached}; ${basisWords(name, options)}.`;
      journal.append({ event: "finding", finding: { benchmark: "read", text } });
    }
  },
} satisfies Benchmark;

/** With resourceVersion 0 any version will do, and the API server answers from its watch cache (spec encryption-at-rest 6.1). */
function fromCache(request: LoadRequest): LoadRequest {
  return { ...request, path: `${request.path}?resourceVersion=0` };
}
