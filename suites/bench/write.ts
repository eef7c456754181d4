import { createRequest, deleteRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import type { SecretRequest } from "../../harness/load/secret-spec.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { basisWords, contests, contestWords, measuredOf } from "./comparison.ts";
import { findMaxFigures, findMaxOption, type MaxRateSearch, measureMaxRate } from "./max-rate.ts";
import type { PhaseMeter } from "./phase-meter.ts";
import { createNamespaces, requestLoad, scheduleOf, secretBodies, sendAside } from "./secret-load.ts";
import { plain, sideBySide } from "./side-by-side.ts";
import { sizedBodies, sizedSecrets } from "./sized-secrets.ts";
import { checkStored } from "./stored-check.ts";

export const write = {
  id: "write",
  question: "What does a provider add to the create of a Secret, at a rate that the API server bears easily?",
  knownBefore:
    "Kubernetes' BenchmarkKMSv2REST counts whole sets of 1,000 in a closed loop, 18.5 s ± 41 % against 20.4 s ± 99 %; nobody publishes quantiles, or KMS v1 on the same machine.",
  takes: "50 s for 200 Secrets, three providers and five rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["write", "max"], figures: findMaxFigures },
  understands: ["secrets", "providers", "load", "rounds", "kms-latency", "api-servers", "cachesize"],
  own: [findMaxOption],
  defaults: {
    secrets: [200],
    providers: ["identity", "kms-v2", "kms-v1"],
    rounds: 5,
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
      async measure({ plane, meter, chain, configured }, { secrets, bodies }, origin) {
        const { provider } = origin;
        await meter.load("write", requestLoad(meter, scheduleOf(options, bodies.length), bodies.map(createRequest)));
        const check = await checkStored({ plane, secrets, provider, configured, pluginSocket: chain?.pluginSocket, signal });
        if (typeof check !== "string") journal.append({ event: "envelopes", check });
        await sendAside(meter, bodies.map(deleteRequest), signal);
        const threshold = findMaxOption.of(options);
        if (threshold === undefined) return;
        await measureMaxRate(bench, meter, origin, { threshold, what: "creates", ...creates(bench, meter) });
      },
    });
    for (const { name, cells: group } of contests(cells)) {
      const text = `A create takes ${contestWords(measuredOf(group, "write", options.providers))}; ${basisWords(name, options)}.`;
      journal.append({ event: "finding", finding: { benchmark: "write", text } });
    }
  },
} satisfies Benchmark;

/** Of the Secrets whose creates are tried at ever higher rates: small ones, so that a trial of thousands is soon made ready. */
const trialBytes = 256;

/** Creates of Secrets that are new in each trial and deleted after it. */
function creates({ options, signal }: Bench, meter: PhaseMeter): Pick<MaxRateSearch, "requestsOf" | "undo"> {
  let trial = 0;
  let made: readonly SecretRequest[] = [];
  return {
    async requestsOf(count) {
      made = sizedBodies(sizedSecrets({ count, bytes: trialBytes, seed: options.seed, prefix: `trial-${trial++}` }));
      return made.map(createRequest);
    },
    // Some may not have been created at all.
    undo: async () => {
      await meter.aside(() => Promise.all(made.map((secret) => meter.client.request({ ...deleteRequest(secret), signal }))));
    },
  };
}
