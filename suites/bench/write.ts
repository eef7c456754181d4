import { createRequest, deleteRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { contests, contestWords, measuredOf } from "./comparison.ts";
import { createNamespaces, requestLoad, scheduleOf, secretBodies, sendAside } from "./secret-load.ts";
import { plain, sideBySide } from "./side-by-side.ts";
import { checkStored } from "./stored-check.ts";

export const write = {
  id: "write",
  question: "What does a provider add to the create of a Secret, at a rate that the API server bears easily?",
  knownBefore:
    "Kubernetes' BenchmarkKMSv2REST counts whole sets of 1,000 in a closed loop, 18.5 s ± 41 % against 20.4 s ± 99 %; nobody publishes quantiles, or KMS v1 on the same machine.",
  takes: "40 s for 200 Secrets, three providers and three rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["write"] },
  understands: ["secrets", "providers", "load", "rounds", "kms-latency", "api-servers", "cachesize"],
  defaults: {
    secrets: [200],
    providers: ["identity", "kms-v2", "kms-v1"],
    rounds: 3,
    load: { model: "open", arrivals: "constant", ratePerSecond: 100, inFlightMax: 64 },
  },
  async run(bench: Bench) {
    const { options, signal, journal } = bench;
    const cells = await sideBySide(bench, {
      benchmark: "write",
      options,
      variants: plain,
      requestsOf: (secrets) => secrets,
      async prepare({ meter }, count) {
        const secrets = population({ secrets: count, seed: options.seed });
        await createNamespaces(meter, secrets.namespaces, signal);
        return { secrets, bodies: secretBodies(secrets) };
      },
      async measure({ plane, meter, chain, configured }, { secrets, bodies }, { provider }) {
        await meter.load("write", requestLoad(meter, scheduleOf(options.load, bodies.length), bodies.map(createRequest)));
        const check = await checkStored({ plane, secrets, provider, configured, pluginSocket: chain?.pluginSocket, signal });
        if (typeof check !== "string") journal.append({ event: "envelopes", check });
        await sendAside(meter, bodies.map(deleteRequest), signal);
      },
    });
    for (const { name, cells: group } of contests(cells)) {
      const text = `A create takes ${contestWords(measuredOf(group, "write", options.providers))}; median of ${name}.`;
      journal.append({ event: "finding", finding: { benchmark: "write", text } });
    }
  },
} satisfies Benchmark;
