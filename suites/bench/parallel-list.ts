import { createRequest, type LoadRequest } from "../../harness/load/load-request.ts";
import { closedLoop } from "../../harness/load/schedule.ts";
import type { Phase } from "../../harness/run/schema.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { figure, inMs, type Measured, measuredOf } from "./comparison.ts";
import { numbersOption } from "./number-words.ts";
import { requestLoad, sendAside } from "./secret-load.ts";
import { sideBySide } from "./side-by-side.ts";
import { sizedBodies, sizedSecrets } from "./sized-secrets.ts";

const parallel = numbersOption({
  name: "parallel",
  describe: "Lists at a time; each number is measured",
  default: "1,8,32,64",
  max: 512,
});

/** Small values, so that a list costs the reading of many objects and not the sending of many bytes. */
const valueBytes = 64;
/** Enough lists to have a median also where one at a time is sent. */
const listsMin = 16;
const listOfAll: LoadRequest = { method: "GET", path: "/api/v1/secrets" };

export const parallelList = {
  id: "parallel-list",
  question: "How do lists that decrypt slow one another down under KMS v2: 1, 8, 32 and 64 at a time?",
  knownBefore:
    "kubernetes/kubernetes#135408 has 2.1, 13, 52 and 106 ms in a benchmark in Go on 96 threads, without etcd and HTTP, and blames a lock of the read path; nothing holds it against lists without encryption.",
  takes: "70 s for 500 Secrets, four numbers, two providers and five rounds",
  needs:
    "control planes that kmsmark starts, whose API servers do without the watch cache of Secrets, so that each list reads and decrypts them all",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["list"], parameters: ["parallelLists"] },
  understands: ["secrets", "providers", "rounds", "kms-latency", "api-servers", "cachesize"],
  own: [parallel],
  defaults: { secrets: [500], rounds: 5, load: { model: "closed", inFlight: 1 } },
  async run(bench: Bench) {
    const { journal, signal } = bench;
    const numbers = parallel.of(bench.options);
    const options = { ...bench.options, load: { model: "closed", inFlight: Math.max(...numbers) } } as const;
    const cells = await sideBySide(bench, {
      benchmark: "parallel-list",
      options,
      variants: numbers.map((number) => ({ value: number, parameters: { parallelLists: number } })),
      requestsOf: (_, number) => listsOf(number),
      isUncached: true,
      async prepare({ meter }, count) {
        const specs = sizedSecrets({ count, bytes: valueBytes, seed: options.seed });
        await sendAside(meter, sizedBodies(specs).map(createRequest), signal);
      },
      async measure({ meter }, _prepared, _origin, number) {
        const requests = Array.from({ length: listsOf(number) }, () => listOfAll);
        await meter.load("list", requestLoad(meter, closedLoop({ inFlight: number, count: requests.length }), requests));
      },
    });
    for (const [count, ofSize] of Map.groupBy(cells, ({ secrets }) => secrets)) {
      const curves = options.providers.map((provider) => {
        const points = numbers.map((number) => {
          const of = ofSize.filter(({ parameters }) => parameters["parallelLists"] === number);
          return measuredOf(of, "list", [provider])[0];
        });
        const all = measuredOf(ofSize, "list", [provider]);
        return `${points.map((point) => inMs(point?.p50)).join(", ")} under ${provider}${ratesOf(points)}, ${readEach(all)}`;
      });
      const text = `A list of ${count} Secrets from etcd takes, with ${numbers.join(", ")} at a time, ${curves.join("; ")} (medians).`;
      journal.append({ event: "finding", finding: { benchmark: "parallel-list", text } });
    }
  },
} satisfies Benchmark;

function listsOf(number: number): number {
  return Math.max(listsMin, 2 * number);
}

/** What is lost where more at a time give no more lists a second is lost to waiting for one another. */
function ratesOf(points: readonly (Measured | undefined)[]): string {
  const rates = points.map((point) => {
    const ms = point?.phases.reduce((sum, { durationMs }) => sum + durationMs, 0) ?? 0;
    return ms > 0 ? (listsIn(point?.phases ?? []) * 1000) / ms : 0;
  });
  return ` (${rates.map((rate) => figure(rate)).join(", ")} lists a second)`;
}

/** By the API server's own count: a list from the watch cache would have read none. */
function readEach(measured: readonly Measured[]): string {
  const phases = measured.flatMap((each) => each.phases);
  const read = phases.reduce((sum, { server }) => {
    const series = Object.entries(server).filter(
      ([name]) =>
        name.startsWith("apiserver_storage_transformation_operations_total{") && name.includes('transformation_type="from_storage"'),
    );
    return sum + series.reduce((total, [, growth]) => total + growth, 0);
  }, 0);
  return `${figure(read / listsIn(phases))} values read each`;
}

function listsIn(phases: readonly Phase[]): number {
  return phases.reduce((sum, { requests }) => sum + requests.ok, 0);
}
