import { UsageError } from "../errors.ts";
import { type Cells, isMeant, type MeasuredCell, parseCells } from "../run/metric.ts";
import type { Side } from "./side.ts";

/** Two sides that are of one run. */
export interface Between {
  readonly base: Side;
  readonly other: Side;
  /** As the cells were named. */
  readonly names: { readonly base: string; readonly other: string };
}

/**
 * Two selections of cells of one run, the second relabelled as what it is held against, so that what differs in nothing but what both
 * name makes a pair. Throws a UsageError where they cannot be told apart so, or mean nothing.
 */
export function sidesBetween({ facts, cells }: Side, texts: readonly string[]): Between {
  const [first, second, ...more] = texts;
  if (first === undefined || second === undefined || more.length > 0) {
    throw new UsageError("bad-between", "--between is given twice: for the one and for the other side.", { hint });
  }
  const [named, against] = [parseCells(first), parseCells(second)];
  if (keysOf(named) !== keysOf(against)) {
    throw new UsageError(
      "bad-between",
      `"${first}" and "${second}" do not name the same things: a provider, or the same parameters, on both sides.`,
      {
        hint,
      },
    );
  }
  const [ofFirst, ofSecond] = [named, against].map((selection) => cells.filter((cell) => isMeant(selection, cell)));
  const [like] = ofFirst ?? [];
  if (like === undefined || ofSecond === undefined || ofSecond.length === 0) {
    throw new UsageError("bad-between", `The run has no cells of ${like === undefined ? first : second}.`, { hint });
  }
  const relabelled = ofSecond.map((cell) => labelled(cell, like, named));
  return {
    base: { facts, cells: ofFirst ?? [], checks: [] },
    other: { facts, cells: relabelled, checks: [] },
    names: { base: first, other: second },
  };
}

const hint = "Write for instance --between kms-v1 --between kms-v2, or --between '[kmsLatencyMs=0]' --between '[kmsLatencyMs=10]'.";

function keysOf({ provider, where }: Cells): string {
  return [provider === undefined ? "" : "provider", ...Object.keys(where).toSorted()].join(" ");
}

function labelled(cell: MeasuredCell, like: MeasuredCell, { provider, where }: Cells): MeasuredCell {
  const parameters = Object.entries(like.parameters).filter(([name]) => Object.hasOwn(where, name));
  return {
    ...cell,
    provider: provider === undefined ? cell.provider : like.provider,
    secrets: Object.hasOwn(where, "secrets") ? like.secrets : cell.secrets,
    parameters: { ...cell.parameters, ...Object.fromEntries(parameters) },
  };
}
