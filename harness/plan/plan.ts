import { type Plan, type PlanFigures, type PlanStart, planVersion } from "../run/plan-schema.ts";
import { adviceOf } from "./advice.ts";
import { behaviourOf } from "./behaviour.ts";
import { type FleetCalls, figuresOf, fleetCalls, loadOf, planMonthMs, usdPerMonth } from "./figures.ts";
import type { Fleet } from "./fleet.ts";
import { latenciesOf } from "./latencies.ts";
import { limitsOf } from "./limits.ts";
import { outageOf } from "./outage.ts";
import type { PriceTable } from "./price-table.ts";
import { durationWord, group } from "./quantity.ts";
import { rotationOf } from "./rotation.ts";
import { startOf } from "./starts.ts";
import type { StatedLimit } from "./stated-limit.ts";
import { judge } from "./stated-limit.ts";
import type { Sweep } from "./sweep.ts";
import { amount, rangeWords, timeWords } from "./words.ts";

export interface PlanOptions {
  /** As it was described, field by field, for the reader. */
  readonly described: Readonly<Record<string, unknown>>;
  readonly fleet: Fleet;
  /** Everything random in the plan comes from it. */
  readonly seed: string;
  readonly prices: PriceTable | undefined;
  readonly sweep: Sweep | undefined;
  readonly stated: readonly StatedLimit[];
}

/** Predicts what a fleet asks of its KMS. */
export function planOf({ described, fleet, seed, prices, sweep, stated }: PlanOptions): Plan {
  const calls = fleetCalls(fleet, seed);
  const load = loadOf(fleet, calls);
  const figures = figuresOf(fleet, seed, prices, calls);
  const starts = startsOf(fleet, seed);
  const monthly = scaled(calls.kms, planMonthMs / fleet.period);
  const plan: Omit<Plan, "sentences"> = {
    version: planVersion,
    fleet: describedFleet(described),
    figures,
    calls: callRows(fleet, calls),
    quota:
      fleet.quota === undefined
        ? null
        : {
            perSecond: fleet.quota,
            usePeak: load.peakPerSecond / fleet.quota,
            exceededMs: load.exceededMs,
            firstExceededMs: load.firstExceededMs,
          },
    starts,
    latencies: latenciesOf(fleet, seed),
    rotation: rotationOf(fleet, seed),
    outage: outageOf(fleet, seed),
    cost:
      prices === undefined
        ? null
        : {
            table: prices.name,
            asOf: prices.asOf,
            source: prices.source,
            usdPerMonth: { min: usdPerMonth(monthly.min, fleet.keys, prices), max: usdPerMonth(monthly.max, fleet.keys, prices) },
            note: prices.note,
          },
    limits: limitsOf(fleet),
    advice: adviceOf(fleet, figures, seed, prices),
    sweep:
      sweep === undefined
        ? null
        : {
            name: sweep.name,
            points: sweep.values.map((value) => ({ value, figures: figuresOf({ ...fleet, [sweep.name]: value }, seed, prices) })),
          },
    stated: stated.map((limit) => judge(limit, figures)),
  };
  return { ...plan, sentences: sentencesOf(fleet, plan, figures) };
}

function startsOf(fleet: Fleet, seed: string): PlanStart[] {
  const { apiServers, clusters } = fleet;
  return [
    startOf(fleet, "one API server", 1, seed),
    ...(apiServers > 1 ? [startOf(fleet, `all ${apiServers} of a cluster`, apiServers, seed)] : []),
    ...(clusters > 1
      ? [startOf(fleet, `all ${group(clusters * apiServers)} of ${group(clusters)} clusters`, clusters * apiServers, seed)]
      : []),
  ];
}

function callRows(fleet: Fleet, calls: FleetCalls): Plan["calls"] {
  const { period } = fleet;
  return calls.rows.map(({ cause, method, total, reachesKms }) => {
    const perSecondMean = (total.min + total.max) / 2 / (period / 1000);
    return {
      cause,
      method,
      total,
      perDay: scaled(total, 86_400_000 / period),
      perMonth: scaled(total, planMonthMs / period),
      perSecondMean,
      perSecondPeak: Math.max(perSecondMean, reachesKms ? burstPeak(fleet, calls, cause) * shareOf(calls, cause, total.max) : 0),
      reachesKms,
    };
  });
}

/** Calls a second of the densest burst of a cause; none where it has no bursts. */
function burstPeak(fleet: Fleet, { bursts }: FleetCalls, cause: string): number {
  const own = bursts.filter((burst) => burst.cause === cause);
  return loadOf(fleet, { bursts: own, evenPerSecond: 0 }).peakPerSecond;
}

/** What part of a cause's calls of the KMS are of this method. */
function shareOf({ rows }: FleetCalls, cause: string, calls: number): number {
  const all = rows.filter((row) => row.cause === cause && row.reachesKms).reduce((sum, { total }) => sum + total.max, 0);
  return all === 0 ? 0 : calls / all;
}

function scaled({ min, max }: { readonly min: number; readonly max: number }, by: number) {
  return { min: min * by, max: max * by };
}

function describedFleet(described: Readonly<Record<string, unknown>>): Plan["fleet"] {
  return Object.entries(described).map(([name, value]) => ({ name, value: String(value) }));
}

/** What a person reads first. */
function sentencesOf(fleet: Fleet, plan: Omit<Plan, "sentences">, figures: PlanFigures): Plan["sentences"] {
  return [
    `A prediction of the model, not a measurement: ${group(fleet.clusters)} ${fleet.clusters === 1 ? "cluster" : "clusters"} of ${fleet.apiServers} ${fleet.apiServers === 1 ? "API server" : "API servers"} and ${group(fleet.secrets)} Secrets on Kubernetes ${fleet.kubernetes} with KMS ${fleet.kms}.`,
    ...plan.starts.map(startSentence),
    loadSentence(fleet, plan, figures),
    ...(plan.quota === null ? [] : [quotaSentence(plan.quota)]),
    latencySentence(plan),
    `A rotation of the key with the migration of all Secrets takes a cluster ${timeWords(plan.rotation.durationMs)} and ${rangeWords(plan.rotation.calls)} calls. ${plan.rotation.note}`,
    ...plan.outage.effects,
    ...(plan.cost === null ? [] : [costSentence(plan.cost)]),
    ...(fleet.kms === "v1" && !isOn(fleet) ? ["KMS v1 is off by default since v1.29 and needs --feature-gates=KMSv1=true."] : []),
    ...(fleet.watchers > 0
      ? [`The ${group(fleet.watchers)} watchers ask nothing of the KMS: the watch cache decodes an event once for all of them.`]
      : []),
  ];
}

function isOn({ kubernetes }: Fleet): boolean {
  return behaviourOf(kubernetes).gates["KMSv1"] === true;
}

function startSentence({ what, calls, ready, note, servers }: PlanStart): string {
  const time = ready === null ? "may never be over" : `takes ${durationSpread(ready)} until ${servers === 1 ? "it is" : "they are"} ready`;
  return `A restart of ${what} ${time}, with ${rangeWords(calls)} calls.${note === null ? "" : ` ${note}`}`;
}

function durationSpread({ lowMs, midMs, highMs }: NonNullable<PlanStart["ready"]>): string {
  return timeWords(lowMs) === timeWords(highMs)
    ? timeWords(midMs)
    : `${timeWords(midMs)} (${timeWords(lowMs)} to ${timeWords(highMs)} over the seeds)`;
}

function loadSentence(fleet: Fleet, { calls }: Omit<Plan, "sentences">, figures: PlanFigures): string {
  const [most] = calls.filter(({ reachesKms }) => reachesKms).toSorted((a, b) => b.total.max - a.total.max);
  const cause = most === undefined ? "" : `, most of them ${most.method} for ${most.cause}`;
  return `They ask the KMS ${amount(figures.callsPerMonth)} times a month${cause}; at the peak, when all API servers start at once, ${amount(figures.callsPerSecondPeak)} a second${fleet.rolloutEvery === undefined ? "" : `, over a period of ${durationWord(fleet.period)} with a rollout every ${durationWord(fleet.rolloutEvery)}`}.`;
}

function quotaSentence({ perSecond, usePeak, exceededMs, firstExceededMs }: NonNullable<Plan["quota"]>): string {
  if (firstExceededMs === null)
    return `The quota of ${amount(perSecond)} calls a second is used to ${percent(usePeak)} at the peak of the period, and never exceeded.`;
  return `The quota of ${amount(perSecond)} calls a second is exceeded for the first time after ${timeWords(firstExceededMs)}, and for ${timeWords(exceededMs)} of the period in all; the peak asks ${percent(usePeak)} of it.`;
}

function percent(share: number): string {
  return `${amount(share * 100)} %`;
}

function latencySentence({ latencies }: Omit<Plan, "sentences">): string {
  const of = (operation: string) => latencies.find((latency) => latency.operation === operation);
  const write = of("write");
  const read = of("read of one Secret");
  const waits = (what: typeof write) =>
    what?.p50 == null || what.p99 == null ? "" : `${timeWords(what.p50.midMs)} at the median and ${timeWords(what.p99.midMs)} at p99`;
  const writes =
    write === undefined || write.share === 0 ? "Writes do not wait for the KMS" : `Every write waits for the KMS, ${waits(write)}`;
  const reads =
    read === undefined || read.share === 0
      ? "no read does, once the API server is ready"
      : `${percent(read.share)} of the reads from etcd ${write?.share === 1 ? "do too" : "do"}, ${waits(read)}`;
  return `${writes}; ${reads}.`;
}

function costSentence({ usdPerMonth: usd, table, asOf, source }: NonNullable<Plan["cost"]>): string {
  const both = usd.min.toFixed(2) === usd.max.toFixed(2) ? usd.max.toFixed(2) : `${usd.min.toFixed(2)} to ${usd.max.toFixed(2)}`;
  return `A month costs USD ${both} by the price table ${table} as of ${asOf} (${source}).`;
}
