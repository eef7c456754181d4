import { createRequest, type LoadRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import { closedLoop } from "../../harness/load/schedule.ts";
import type { Bench, Benchmark } from "../../suites/bench/benchmark.ts";
import { basisWords, contests, contestWords, measuredOf } from "../../suites/bench/comparison.ts";
import { createNamespaces, requestLoad, secretBodies, sendAside } from "../../suites/bench/secret-load.ts";
import { plain, sideBySide } from "../../suites/bench/side-by-side.ts";

/** How often a phase lists the namespace. */
const lists = 20;

export const listNamespace = {
  id: "list-namespace",
  question: "What does a provider add to a list of one namespace, as the controller of one application asks for it?",
  knownBefore: "Published figures are of lists of all Secrets.",
  takes: "30 s for 50 Secrets, two providers and five rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["list-namespace"] },
  understands: ["secrets", "providers", "rounds", "kms-latency", "api-servers", "cachesize"],
  defaults: { rounds: 5, load: { model: "closed", inFlight: 1 } },
  async run(bench: Bench) {
    const { options, signal, journal } = bench;
    const cells = await sideBySide(bench, {
      benchmark: "list-namespace",
      options,
      variants: plain,
      requestsOf: () => lists,
      async prepare({ meter }, count): Promise<LoadRequest> {
        const secrets = population({ secrets: count, seed: options.seed });
        await createNamespaces(meter, secrets.namespaces, signal);
        await sendAside(meter, secretBodies(secrets).map(createRequest), signal);
        return { method: "GET", path: `/api/v1/namespaces/${secrets.namespaces[0]}/secrets` };
      },
      async measure({ meter }, request) {
        const requests = Array.from({ length: lists }, () => request);
        await meter.load("list-namespace", requestLoad(meter, closedLoop({ inFlight: 1, count: lists }), requests));
      },
    });
    for (const { name, cells: group } of contests(cells)) {
      const words = contestWords(measuredOf(group, "list-namespace", options.providers));
      const text = `A list of one namespace takes ${words}; ${basisWords(name, options)}.`;
      journal.append({ event: "finding", finding: { benchmark: "list-namespace", text } });
    }
  },
} satisfies Benchmark;
