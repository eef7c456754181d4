import { limitNs } from "../run/client-limits.ts";
import type { Compared } from "../run/comparison.ts";
import { parameterWords } from "../run/fold.ts";
import { type Rounds, roundsOf } from "../run/rounds.ts";
import type { BenchProvider, Cell, Result } from "../run/schema.ts";
import { compareFigures } from "./compare.ts";

/** The benchmarks, and the phases of theirs, by which a provider is held against none; the others answer in findings of their own. */
const benchmarks: readonly string[] = ["lifecycle", "write", "read"];
const costPhases = ["write", "read", "cold"] as const;

/** What a provider does to the median of a phase, held against identity. */
export interface ProviderCost {
  readonly provider: BenchProvider;
  readonly phase: (typeof costPhases)[number];
  readonly secrets: number;
  /** What else distinguishes the cells, in words; empty where nothing does. */
  readonly parameters: readonly string[];
  /** Of each side. */
  readonly rounds: number;
  /** The median of identity, and that of the provider. */
  readonly compared: Compared;
  /** Whether one of the medians is so small that it says more of the client than of the server. */
  readonly isBelowFloor: boolean;
}

/** What the providers of a run cost, where identity was measured beside them: of several numbers of Secrets with the greatest. */
export function providerCosts({ cells, floor, header }: Pick<Result, "cells" | "floor" | "header">): ProviderCost[] {
  const known = cells.filter(({ benchmark }) => benchmarks.includes(benchmark));
  const contests = [...Map.groupBy(known, ({ benchmark, parameters }) => [benchmark, ...parameterWords(parameters)].join()).values()];
  const wanted = contests.flatMap((contest) => wantedOf(largest(contest)));
  return compareFigures(
    wanted.map(({ phase, ...pair }) => ({
      pair,
      metric: { benchmark: undefined, provider: undefined, where: {}, phase, figure: "p50" },
    })),
    header.seed,
  ).flatMap((compared, at): ProviderCost[] => {
    const pair = wanted[at];
    if (pair === undefined) return [];
    const { phase, base, other } = pair;
    const { provider, secrets, parameters } = other.cells[0];
    const isBelowFloor = [base, other].some(({ cells: measured }) =>
      measured.some(({ phases }) =>
        phases.some((each) => each.name === phase && (each.latency?.p50 ?? Number.POSITIVE_INFINITY) < (limitNs(each, floor) ?? 0)),
      ),
    );
    const rounds = Math.min(base.cells.length, other.cells.length);
    return [{ provider, phase, secrets, parameters: parameterWords(parameters), rounds, compared, isBelowFloor }];
  });
}

function largest(cells: readonly Cell[]): Cell[] {
  const most = Math.max(...cells.map(({ secrets }) => secrets));
  return cells.filter(({ secrets }) => secrets === most);
}

interface Wanted {
  readonly phase: (typeof costPhases)[number];
  readonly base: Rounds<Cell>;
  readonly other: Rounds<Cell>;
}

/** Each provider beside identity, phase by phase; none where identity was not measured, or nothing of a phase. */
function wantedOf(cells: readonly Cell[]): Wanted[] {
  const rounds = roundsOf(cells);
  const base = rounds.find(({ cells: [{ provider }] }) => provider === "identity");
  if (base === undefined) return [];
  return rounds
    .filter((each) => each !== base)
    .flatMap((other) => {
      // The reads of what asks no KMS are those of identity.
      const phases = costPhases.filter((phase) => phase === "write" || other.cells[0].provider.startsWith("kms-"));
      return phases.filter((phase) => isTimed(base, phase) && isTimed(other, phase)).map((phase) => ({ phase, base, other }));
    });
}

function isTimed({ cells }: Rounds<Cell>, phase: string): boolean {
  return cells.some(({ phases }) => phases.some(({ name, latency }) => name === phase && latency !== null));
}
