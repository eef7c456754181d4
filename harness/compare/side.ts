import type { RunFacts } from "../run/comparison.ts";
import type { MeasuredCell } from "../run/metric.ts";
import type { CheckResult, Result } from "../run/schema.ts";

/** One of two runs that are compared. */
export interface Side {
  readonly facts: RunFacts;
  readonly cells: readonly MeasuredCell[];
  /** A baseline keeps none. */
  readonly checks: readonly CheckResult[];
}

/** What of a run a comparison and a baseline need. */
export function sideOf({ header, status, cells, checks }: Result): Side {
  const { runId, command, startedAt, seed, kmsmark, machine, plugin, target } = header;
  const measuredOn =
    target === null ? null : { kind: target.kind, kubernetes: target.kubernetes, etcd: target.etcd, isModel: target.isModel };
  return { facts: { runId, command, startedAt, seed, kmsmark, machine, plugin, target: measuredOn, status }, cells, checks };
}
