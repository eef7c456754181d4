import type { Clock } from "../../harness/clock.ts";
import { messageOf } from "../../harness/errors.ts";
import { type CheckResult, checkAreas } from "../../harness/run/schema.ts";
import { type Check, inconclusive, notApplicable, type Outcome, type SubjectBase } from "./check.ts";

export interface RunChecksOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Ids that are left out on request, and why. */
  readonly skipped: ReadonlyMap<string, string>;
  /** How many checks run at once; more than 1 only where the subject gives each what it needs for itself. */
  readonly concurrency: number;
  onStart(check: { readonly id: string; readonly title: string }): void;
  onResult(result: CheckResult): void;
}

/**
 * Runs checks of one subject, each to its end, and tells of each as it ends. Throws the signal's reason, or what `onStart` or `onResult` throws;
 * from then on nothing is told of checks that are still under way, because their subject may be taken from them.
 */
export async function runChecks<Subject extends SubjectBase>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  options: RunChecksOptions,
): Promise<void> {
  const { clock, concurrency, onStart, onResult } = options;
  const fault = new AbortController();
  const signal = AbortSignal.any([options.signal, fault.signal]);
  const waiting = [...checks];
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      signal.throwIfAborted();
      const reason = options.skipped.get(check.id);
      const startMs = clock.monotonicMs();
      if (reason === undefined) onStart(check);
      const outcome = reason === undefined ? await judge(check, subject) : ({ verdict: "skipped", reason, evidence: [] } as const);
      signal.throwIfAborted();
      onResult(resultOf(check, outcome, clock.monotonicMs() - startMs));
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } catch (thrown) {
    fault.abort(thrown);
    throw thrown;
  }
}

async function judge<Subject extends SubjectBase>(check: Check<Subject>, subject: Subject): Promise<Outcome> {
  const lack = check.needs.map((need) => subject.lacks(need)).find((reason) => reason !== undefined);
  if (lack !== undefined) return notApplicable(lack);
  try {
    return await check.run(subject);
  } catch (thrown) {
    return inconclusive(messageOf(thrown));
  }
}

function resultOf(
  { id, title, level, invariants, source, remedy }: Omit<Check<never>, "run">,
  outcome: Outcome | { readonly verdict: "skipped"; readonly reason: string; readonly evidence: readonly [] },
  durationMs: number,
): CheckResult {
  const area = checkAreas.find((each) => id.startsWith(`${each}/`));
  if (area === undefined) throw new Error(`The check ${id} is of no area.`);
  return {
    ...{ id, area, title, level, invariants: [...invariants], source, remedy, durationMs },
    verdict: outcome.verdict,
    reason: "reason" in outcome ? outcome.reason : null,
    evidence: [...outcome.evidence],
  };
}
