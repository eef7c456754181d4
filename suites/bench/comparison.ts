import { alpha } from "../../harness/compare/limit.ts";
import { permutationTest, smallestP } from "../../harness/compare/significance.ts";
import { LatencyHistogram } from "../../harness/load/histogram.ts";
import { Random } from "../../harness/random.ts";
import { parameterWords } from "../../harness/run/fold.ts";
import type { Cell, Phase } from "../../harness/run/schema.ts";
import { workCalls } from "../../harness/run/verdict.ts";

/** The phases of one name and provider, of all rounds together. */
export interface Measured {
  readonly provider: string;
  /** Nanoseconds; undefined where no request succeeded. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  /** The median of each round. */
  readonly p50s: readonly number[];
  /** Encrypt and Decrypt calls at the tap for each successful request; undefined where no tap stood. */
  readonly kmsCallsPerRequest: number | undefined;
  readonly phases: readonly Phase[];
}

/** Cells that differ in provider and round alone, in the order of the run. */
export function contests(cells: readonly Cell[]): { readonly name: string; readonly cells: readonly Cell[] }[] {
  const nameOf = ({ secrets, parameters }: Cell) => [`${secrets} Secrets`, ...parameterWords(parameters)].join(", ");
  return [...Map.groupBy(cells, nameOf)].map(([name, group]) => ({ name, cells: group }));
}

/** What was measured of each provider in the phases of a name, in the order in which the providers were asked for. */
export function measuredOf(cells: readonly Cell[], phase: string, providers: readonly string[]): Measured[] {
  return providers.flatMap((provider) => {
    const phases = cells.flatMap((cell) => (cell.provider === provider ? cell.phases.filter(({ name }) => name === phase) : []));
    return phases.length === 0 ? [] : [measuredIn(provider, phases)];
  });
}

function measuredIn(provider: string, phases: readonly Phase[]): Measured {
  const all = LatencyHistogram.empty();
  for (const { latency } of phases) if (latency !== null) all.merge(LatencyHistogram.fromLatency(latency));
  const latency = all.toLatency();
  const requests = phases.reduce((sum, { requests: { ok } }) => sum + ok, 0);
  const calls = phases.reduce((sum, phase) => sum + workCalls(phase, "Encrypt") + workCalls(phase, "Decrypt"), 0);
  const hasTap = phases.some(({ kms }) => kms !== null);
  return {
    provider,
    p50: latency?.p50,
    p99: latency?.p99,
    p50s: phases.flatMap((phase) => phase.latency?.p50 ?? []),
    kmsCallsPerRequest: hasTap && requests > 0 ? calls / requests : undefined,
    phases,
  };
}

/**
 * `1.20 ms under identity (p99 3.40 ms), 1.31 ms under kms-v2 (p99 4.00 ms, no difference seen, 0 KMS calls each)`: the medians of the
 * providers, each held against the first.
 */
export function contestWords([first, ...others]: readonly Measured[]): string {
  if (first === undefined) return "nothing was measured";
  return [first, ...others]
    .map((measured) => {
      const facts = [
        `p99 ${inMs(measured.p99)}`,
        ...(measured === first ? [] : [differenceWords(first, measured)]),
        ...(measured.kmsCallsPerRequest === undefined ? [] : [`${figure(measured.kmsCallsPerRequest)} KMS calls each`]),
      ];
      return `${inMs(measured.p50)} under ${measured.provider} (${facts.join(", ")})`;
    })
    .join(", ");
}

/**
 * How a provider's medians lie to those of another: a difference is named only where a permutation test of the rounds' medians says that one as
 * large comes by chance in less than one run of twenty.
 */
function differenceWords(base: Measured, other: Measured): string {
  if (base.p50 === undefined || other.p50 === undefined || base.p50 === 0) return "not to be compared";
  const ratio = `${figure(other.p50 / base.p50)} × ${base.provider}`;
  if (smallestP(base.p50s.length, other.p50s.length) > alpha) return `${ratio}, of too few rounds to tell a difference`;
  return permutationTest(base.p50s, other.p50s, new Random("contest")) <= alpha ? ratio : "no difference seen";
}

/** `medians of 3 rounds with 200 Secrets, kmsLatencyMs 10`: what a finding holds of. */
export function basisWords(name: string, { rounds }: { readonly rounds: number }): string {
  return `medians of ${rounds === 1 ? "one round" : `${rounds} rounds`} with ${name}`;
}

/** Nanoseconds as milliseconds with three digits. */
export function inMs(ns: number | undefined): string {
  return ns === undefined ? "nothing" : `${figure(ns / 1e6)} ms`;
}

/** Three significant digits. */
export function figure(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
