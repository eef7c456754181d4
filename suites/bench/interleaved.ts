import { Random } from "../../harness/random.ts";
import type { BenchProvider, Parameters } from "../../harness/run/schema.ts";
import type { BenchOptions } from "./benchmark.ts";

/**
 * The providers of every round. The first round keeps the order that was asked for where it is the only one; of several each has an order
 * of its own, so that what a machine does in the course of a run meets no provider more than another.
 */
export function interleaved({
  providers,
  rounds,
  seed,
}: Pick<BenchOptions, "providers" | "rounds" | "seed">): { readonly round: number; readonly provider: BenchProvider }[] {
  return Array.from({ length: rounds }, (_, at) => at + 1).flatMap((round) => {
    const order = rounds === 1 ? providers : shuffled(providers, new Random(seed).child(`round ${round}`));
    return order.map((provider) => ({ round, provider }));
  });
}

/** In an order that the generator draws, each as likely as any other (Fisher and Yates). */
export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const left = [...items];
  const drawn: Item[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.below(left.length), 1));
  return drawn;
}

/** What distinguishes a cell beyond its provider and size: only what is not as by default, so that plain runs have plain names. */
export function parametersOf(
  { apiServers, kmsLatenciesMs }: Pick<BenchOptions, "apiServers" | "kmsLatenciesMs">,
  { kmsLatencyMs }: { readonly kmsLatencyMs: number },
): Parameters {
  return {
    ...(kmsLatenciesMs.some((ms) => ms > 0) ? { kmsLatencyMs } : {}),
    ...(apiServers > 1 ? { apiServers } : {}),
  };
}
