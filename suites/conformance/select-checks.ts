import { UsageError } from "../../harness/errors.ts";
import type { Check } from "./check.ts";

/** What of a check decides whether it is chosen. */
export type SelectableCheck = Pick<Check<never>, "id" | "invariants" | "needs">;

export interface Selection {
  /** Ids, globs with `*`, or invariants: `plugin/v2-*`, `K2-09`. Nothing given means all. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  /** Leaves out what waits for a clock. */
  readonly quick: boolean;
}

export interface SelectedChecks<Selected extends SelectableCheck = SelectableCheck> {
  /** In their own order, those to skip included. */
  readonly selected: readonly Selected[];
  /** Why each of them that is not run is not. */
  readonly skipped: ReadonlyMap<string, string>;
}

/** Several patterns may stand in one word, with commas between. */
export function patternsOf(words: readonly string[]): string[] {
  return words.flatMap((word) => word.split(",")).flatMap((pattern) => (pattern.trim() === "" ? [] : [pattern.trim()]));
}

/**
 * Chooses checks. Those that `only` does not name are left out without a word; those that `skip` names are named as skipped.
 * @throws UsageError `no-such-check` for a pattern that matches none of `known`.
 */
export function selectChecks<Selected extends SelectableCheck>(
  checks: readonly Selected[],
  { only, skip, quick }: Selection,
): SelectedChecks<Selected> {
  const selected = only.length === 0 ? checks : checks.filter((check) => only.some((pattern) => matches(check, pattern)));
  const skipped = new Map<string, string>();
  for (const check of selected) {
    const pattern = skip.find((each) => matches(check, each));
    if (pattern !== undefined) skipped.set(check.id, `Skipped on request: --skip ${pattern}.`);
    else if (quick && check.needs.includes("clock")) skipped.set(check.id, "It waits for a clock, which --quick leaves out.");
  }
  return { selected, skipped };
}

/** Refuses patterns that mean nothing, so that a misspelt one does not pass for a check that was made. */
export function requireKnown(checks: readonly SelectableCheck[], patterns: readonly string[]): void {
  for (const pattern of patterns) {
    if (checks.some((check) => matches(check, pattern))) continue;
    const near = nearest(
      pattern,
      checks.map(({ id }) => id),
    );
    throw new UsageError(
      "no-such-check",
      `No check of the chosen suites is called "${pattern}"${near === undefined ? "" : `; ${near} is near`}.`,
      {
        hint: "`kmsmark conform --list` names them all.",
      },
    );
  }
}

function matches({ id, invariants }: SelectableCheck, pattern: string): boolean {
  const glob = new RegExp(`^${pattern.split("*").map(escapeRegExp).join(".*")}$`, "i");
  return [id, ...invariants].some((name) => glob.test(name));
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The name that shares the most pairs of letters with it, if that is at least half of them. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const pairs = pairsOf(word.toLowerCase());
  const rated = names.map((name) => {
    const found = pairsOf(name.toLowerCase());
    return { name, share: pairs.size === 0 ? 0 : [...pairs].filter((pair) => found.has(pair)).length / Math.max(pairs.size, found.size) };
  });
  const [best] = rated.sort((a, b) => b.share - a.share);
  return best !== undefined && best.share >= 0.5 ? best.name : undefined;
}

function pairsOf(text: string): Set<string> {
  return new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2)));
}
