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

/** Chooses checks. Those that `only` does not name are left out without a word; those that `skip` or `quick` leave out are named as skipped. */
export function selectChecks<Selected extends SelectableCheck>(
  checks: readonly Selected[],
  { only, skip, quick }: Selection,
): SelectedChecks<Selected> {
  const selected = only.length === 0 ? checks : checks.filter((check) => only.some((pattern) => matches(check, pattern)));
  const skipped = new Map<string, string>();
  for (const check of selected) {
    const pattern = skip.find((each) => matches(check, each));
    if (pattern !== undefined) skipped.set(check.id, `--skip ${pattern} leaves it out.`);
    else if (quick && check.needs.includes("clock")) skipped.set(check.id, "It waits for a clock, which --quick leaves out.");
  }
  return { selected, skipped };
}

/**
 * Refuses patterns that mean nothing, so that a misspelt one does not pass for a check that was made.
 * @throws UsageError `no-such-check`, which names each of them with the ids and invariants that are near it.
 */
export function requireKnown(checks: readonly SelectableCheck[], patterns: readonly string[]): void {
  const unknown = patterns.filter((pattern) => !checks.some((check) => matches(check, pattern)));
  if (unknown.length === 0) return;
  const names = [...new Set(checks.flatMap(namesOf))];
  const faults = unknown.map((pattern) => {
    const near = nearest(pattern, names);
    return `"${pattern}"${near.length === 0 ? "" : ` (near: ${near.join(", ")})`}`;
  });
  throw new UsageError("no-such-check", `No check of the chosen suites is called ${faults.join(" or ")}.`, {
    hint: "`kmsmark conform --list` names them all.",
  });
}

function matches(check: SelectableCheck, pattern: string): boolean {
  const glob = new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`, "i");
  return namesOf(check).some((name) => glob.test(name));
}

function namesOf({ id, invariants }: SelectableCheck): string[] {
  return [id, ...invariants];
}

const nearMax = 3;
/** Of the pieces of the two names that have more of them; below this they are strangers. */
const nearShareMin = 0.65;

/** The names that share the most letters and pairs of letters with a word: at most three. */
function nearest(word: string, names: readonly string[]): string[] {
  const wanted = piecesOf(word);
  const share = (name: string) => {
    const found = piecesOf(name);
    return wanted.intersection(found).size / Math.max(wanted.size, found.size);
  };
  return names
    .map((name) => ({ name, share: share(name) }))
    .filter((rated) => rated.share >= nearShareMin)
    .toSorted((a, b) => b.share - a.share)
    .slice(0, nearMax)
    .map(({ name }) => name);
}

function piecesOf(word: string): Set<string> {
  const letters = [...word.toLowerCase()];
  return new Set(letters.flatMap((letter, at) => [letter, letter + (letters[at + 1] ?? "")]));
}
