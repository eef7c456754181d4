import type { KmsMethod, Phase } from "../harness/run/schema.ts";
import { type Column, latencyFigure } from "./column.ts";
import { mergedMethod } from "./rounds.ts";

/** The calls of one KMS method that the tap saw. */
export interface KmsCalls extends KmsMethod {
  readonly method: string;
}

/** In the order in which an API server comes to call them; what is called beyond them follows. */
const methodOrder = ["Status", "Version", "Encrypt", "Decrypt"];

/**
 * The calls of a cell's phases together, for each method that was called. The latency is of all phases' histograms added up. Throws
 * RunFolderError `histogram-unreadable` where one is damaged.
 */
export function kmsCalls({ phases }: { readonly phases: readonly Pick<Phase, "kms">[] }): KmsCalls[] {
  const seen = phases.flatMap(({ kms }) => Object.entries(kms ?? {}).filter(([, { calls }]) => calls > 0));
  return methodsOf(phases).map((method) => ({
    method,
    ...mergedMethod(seen.flatMap(([name, calls]) => (name === method ? [calls] : []))),
  }));
}

/** The methods that were called in any of the phases, in one order everywhere. */
export function methodsOf(phases: readonly Pick<Phase, "kms">[]): string[] {
  const names = new Set(
    phases.flatMap(({ kms }) => Object.entries(kms ?? {}).flatMap(([method, { calls }]) => (calls > 0 ? [method] : []))),
  );
  return [...methodOrder.filter((method) => names.has(method)), ...[...names].filter((method) => !methodOrder.includes(method)).toSorted()];
}

/** The figures of a KMS method, in this order. */
export const kmsColumns: readonly Column<KmsMethod>[] = [
  { title: "calls", rank: 1, of: ({ calls }) => String(calls) },
  { title: "failed", rank: 4, of: ({ failed }) => String(failed), tone: ({ failed }) => (failed > 0 ? "doubt" : undefined) },
  { title: "of them probes", rank: 6, of: ({ probes }) => String(probes) },
  { title: "p50", rank: 2, of: ({ latency }) => latencyFigure(latency?.p50) },
  { title: "p99", rank: 3, of: ({ latency }) => latencyFigure(latency?.p99) },
  { title: "max", rank: 5, of: ({ latency }) => latencyFigure(latency?.max) },
];
