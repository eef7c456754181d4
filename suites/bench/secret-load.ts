import { TargetError } from "../../harness/errors.ts";
import { scheduleOf as scheduleOfPlan } from "../../harness/load/load-plan.ts";
import type { LoadRequest } from "../../harness/load/load-request.ts";
import type { Population } from "../../harness/load/population.ts";
import type { Outcome } from "../../harness/load/promise-sender.ts";
import type { Schedule } from "../../harness/load/schedule.ts";
import { encodeSecret, type SecretRequest } from "../../harness/load/secret-spec.ts";
import { Random } from "../../harness/random.ts";
import type { BenchOptions } from "./benchmark.ts";
import type { PhaseLoad, PhaseMeter } from "./phase-meter.ts";

/** What is done beside the measurement is done by so many clients. */
const asideInFlight = 8;

/** So many requests, as the options say; where they say for how long, as many as fall due in that time, and of a closed load so many at most. */
export function scheduleOf({ load, seed }: Pick<BenchOptions, "load" | "seed">, count: number): Schedule {
  return scheduleOfPlan(load, { count, random: new Random(seed) });
}

/** Each request once, in order, each API server getting every n-th. */
export function requestLoad(meter: PhaseMeter, schedule: Schedule, requests: readonly LoadRequest[]): PhaseLoad {
  return { schedule, sender: meter.sender(requests) };
}

/** The Secrets of a population as they are written first, or after so many updates. */
export function secretBodies(secrets: Population, generation = 0): SecretRequest[] {
  return Array.from({ length: secrets.count }, (_, index) => encodeSecret(secrets.at(index, generation)));
}

/**
 * Sends requests that are not to be measured, some at a time, and waits until what they cause is over.
 * @throws TargetError `request-failed` where one of them fails
 */
export async function sendAside(meter: PhaseMeter, requests: readonly LoadRequest[], signal: AbortSignal): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < requests.length) {
      const index = next++;
      const outcome: Outcome = await meter.clientOf(index).request({ ...itemAt(requests, index), signal });
      if (outcome.failure !== undefined) {
        throw new TargetError("request-failed", `What the benchmark needs could not be made ready: ${outcome.failure}.`);
      }
    }
  };
  await meter.aside(() => Promise.all(Array.from({ length: asideInFlight }, work)));
}

/** Makes the namespaces; that one is there already is well. */
export async function createNamespaces(meter: PhaseMeter, names: readonly string[], signal: AbortSignal): Promise<void> {
  for (const name of names) {
    const { failure } = await meter.client.createNamespace(name, signal);
    if (failure !== undefined) throw new TargetError("request-failed", `The namespace ${name} could not be made: ${failure}.`);
  }
}

export function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new RangeError(`There is no item ${index}.`);
  return item;
}
