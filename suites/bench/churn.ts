import { LatencyHistogram } from "../../harness/load/histogram.ts";
import { createRequest, deleteRequest, type LoadRequest, updateRequest } from "../../harness/load/load-request.ts";
import { population } from "../../harness/load/population.ts";
import type { SecretRequest } from "../../harness/load/secret-spec.ts";
import type { Sender } from "../../harness/load/sender.ts";
import { Random } from "../../harness/random.ts";
import type { Phase } from "../../harness/run/schema.ts";
import type { Bench, Benchmark } from "./benchmark.ts";
import { basisWords, contests, contestWords, figure, measuredOf } from "./comparison.ts";
import { shuffled } from "./interleaved.ts";
import { numbersOption } from "./number-words.ts";
import { createNamespaces, itemAt, requestLoad, scheduleOf, secretBodies, sendAside } from "./secret-load.ts";
import { plain, sideBySide } from "./side-by-side.ts";
import { sizedBodies, sizedSecrets } from "./sized-secrets.ts";
import { type SeenEvent, Watchers } from "./watchers.ts";

const watchers = numbersOption({ name: "watchers", describe: "Watches of all Secrets that are open meanwhile", default: "4", max: 1000 });

/** What comes and goes is small, as credentials are. */
const passingBytes = 256;

/** One request of the mix, and the event that watchers see of it. */
interface Change {
  readonly request: LoadRequest;
  /** `ADDED default/name`. */
  readonly event: string;
}

export const churn = {
  id: "churn",
  question:
    "What does a provider cost where Secrets are created, updated and deleted all the time, and how soon do those who watch them know?",
  knownBefore: "kube-burner churns objects without a look at encryption; no published figure has watchers, a mix and a provider together.",
  takes: "90 s for 100 Secrets, 200 changes a round, three providers and five rounds",
  needs: "control planes that kmsmark starts, one for each provider",
  measures: "control-plane",
  requires: ["configure", "tap"],
  metrics: { phases: ["churn"], figures: ["events", "eventMsP50", "eventMsP99", "eventsMissing"] },
  understands: ["secrets", "providers", "load", "rounds", "kms-latency", "api-servers", "cachesize"],
  own: [watchers],
  defaults: {
    secrets: [100],
    providers: ["identity", "kms-v2", "kms-v1"],
    rounds: 5,
    load: { model: "open", arrivals: "constant", ratePerSecond: 50, inFlightMax: 64 },
  },
  async run(bench: Bench) {
    const { options, signal, journal, clock } = bench;
    const [watcherCount = 1] = watchers.of(options);
    const passing = (count: number, round: number) =>
      sizedBodies(sizedSecrets({ count: Math.ceil(count / 2), bytes: passingBytes, seed: options.seed, prefix: `passing-${round}` }));
    const cells = await sideBySide(bench, {
      benchmark: "churn",
      options,
      variants: plain,
      requestsOf: (secrets) => 2 * secrets,
      async prepare({ meter }, count) {
        const secrets = population({ secrets: count, seed: options.seed });
        await createNamespaces(meter, secrets.namespaces, signal);
        await sendAside(meter, [...secretBodies(secrets), ...passing(count, 0)].map(createRequest), signal);
        return { secrets, turns: 0 };
      },
      async measure({ plane, meter }, state, { provider }) {
        const { secrets } = state;
        const gone = passing(secrets.count, state.turns++);
        const come = passing(secrets.count, state.turns);
        const updated = secretBodies(secrets, state.turns);
        const random = new Random(options.seed).child(`churn/${provider}/${state.turns}`);
        const changes = shuffled(changesOf({ come, updated, gone }), random);
        const existing = secrets.count + gone.length;
        await using watching = await Watchers.open({ apis: plane.apis, count: watcherCount, existing, clock, signal });
        const load = requestLoad(
          meter,
          scheduleOf(options, changes.length),
          changes.map(({ request }) => request),
        );
        const sentMs = new Map<string, number>();
        const untilSeen = LatencyHistogram.empty();
        watching.onEvent = (event) => {
          const startMs = sentMs.get(eventName(event));
          if (startMs !== undefined) untilSeen.recordMs(clock.monotonicMs() - startMs);
        };
        const before = watching.count;
        await meter.load("churn", {
          ...load,
          sender: tellingSender(load.sender, (index) => sentMs.set(itemAt(changes, index).event, clock.monotonicMs())),
          async figures() {
            // A Secret without values does not change by its update, and nobody is told of it.
            const silent = updated.filter((_, index) => secrets.at(index).data.size === 0).length;
            const expected = watcherCount * (changes.length - silent);
            await watching.seen(before + expected);
            return { ...figuresOf(untilSeen), eventsMissing: Math.max(0, expected - (watching.count - before)) };
          },
        });
      },
    });
    for (const { name, cells: group } of contests(cells)) {
      const measured = measuredOf(group, "churn", options.providers);
      const seen = measured.map(({ provider, phases }) => `${seenWords(phases)} under ${provider}`).join(", ");
      const text = `A change takes ${contestWords(measured)}. ${watcherCount} watchers know of it ${seen}; ${basisWords(name, options)}.`;
      journal.append({ event: "finding", finding: { benchmark: "churn", text } });
    }
  },
} satisfies Benchmark;

function changesOf(bodies: Record<"come" | "updated" | "gone", readonly SecretRequest[]>): Change[] {
  const of = (type: string, requestOf: (body: SecretRequest) => LoadRequest) => (body: SecretRequest) => ({
    request: requestOf(body),
    event: eventName({ type, secret: `${body.namespace}/${body.name}` }),
  });
  return [
    ...bodies.come.map(of("ADDED", createRequest)),
    ...bodies.updated.map(of("MODIFIED", updateRequest)),
    ...bodies.gone.map(of("DELETED", deleteRequest)),
  ];
}

function eventName({ type, secret }: SeenEvent): string {
  return `${type} ${secret}`;
}

/** From when a change was sent until a watcher had the event. */
function figuresOf(untilSeen: LatencyHistogram): Phase["figures"] {
  if (untilSeen.count === 0) return { events: 0 };
  return { events: untilSeen.count, eventMsP50: untilSeen.quantileNs(50) / 1e6, eventMsP99: untilSeen.quantileNs(99) / 1e6 };
}

function seenWords(phases: readonly Phase[]): string {
  const p50s = phases.flatMap(({ figures }) => figures["eventMsP50"] ?? []).toSorted((a, b) => a - b);
  const median = p50s[Math.floor(p50s.length / 2)];
  const missing = phases.reduce((sum, { figures }) => sum + (figures["eventsMissing"] ?? 0), 0);
  const lost = missing === 0 ? "" : ` (${missing} events never came)`;
  return median === undefined ? `never${lost}` : `after ${figure(median)} ms${lost}`;
}

/** The same, and tells of each request when it is begun. */
function tellingSender(sender: Sender, onSend: (index: number) => void): Sender {
  return {
    count: sender.count,
    get onDone() {
      return sender.onDone;
    },
    set onDone(onDone) {
      sender.onDone = onDone;
    },
    send(index) {
      onSend(index);
      sender.send(index);
    },
    flush: () => sender.flush(),
    abort: (reason) => sender.abort(reason),
  };
}
