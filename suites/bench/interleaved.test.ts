import { describe, expect, it } from "vitest";
import { Random } from "../../harness/random.ts";
import { interleaved, shuffled } from "./interleaved.ts";

const providers = ["identity", "kms-v2", "kms-v1"] as const;

describe("rounds", () => {
  it("measure every provider once each, whatever the order", () => {
    const order = interleaved({ providers, rounds: 20, seed: "a" });
    for (let round = 1; round <= 20; round++) {
      const named = order.filter((turn) => turn.round === round).map(({ provider }) => provider);
      expect(named.toSorted()).toEqual(providers.toSorted());
    }
  });

  it("have orders of their own, which the seed repeats", () => {
    const orders = (seed: string) =>
      Array.from({ length: 20 }, (_, at) =>
        interleaved({ providers, rounds: 20, seed })
          .filter(({ round }) => round === at + 1)
          .map(({ provider }) => provider)
          .join(),
      );
    expect(orders("a")).toEqual(orders("a"));
    expect(new Set(orders("a")).size).toBeGreaterThan(3);
    expect(orders("a")).not.toEqual(orders("b"));
  });

  it("keep the order that was asked for where there is one only", () => {
    expect(interleaved({ providers, rounds: 1, seed: "a" }).map(({ provider }) => provider)).toEqual(providers);
  });
});

it("draws each order as often as any other", () => {
  const random = new Random("orders");
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 6000; draw++) {
    const order = shuffled([1, 2, 3], random).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  // Five standard deviations of a binomial of 6000 with a sixth each.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145);
});
