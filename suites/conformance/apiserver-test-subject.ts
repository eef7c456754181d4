import { systemClock as clock } from "../../harness/clock.ts";
import { Lease } from "../../harness/lease.ts";
import type { CheckResult } from "../../harness/run/schema.ts";
import { chooseTarget } from "../../harness/target/choose.ts";
import { defaultVersions, removeContainer } from "../../harness/target/install/index.ts";
import type { TargetKind } from "../../harness/target/target.ts";
import { type ApiserverSubject, openApiserver } from "./apiserver-subject.ts";
import type { Check } from "./check.ts";
import { runChecks } from "./run-checks.ts";

/** For tests: API servers of a target, in the default versions. Disposing of it ends all that it started. */
export async function openTestSubject(kind: TargetKind): Promise<ApiserverSubject> {
  const { signal } = new AbortController();
  const { target } = await chooseTarget({ wanted: kind, ...defaultVersions, environment: process.env, progress: () => {}, clock, signal });
  await using held = new AsyncDisposableStack();
  const lease = held.use(Lease.take("test", removeContainer));
  const subject = held.use(openApiserver({ target, ...defaultVersions, lease, clock, signal }));
  const all = held.move();
  return { ...subject, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** For tests: runs checks as the command does, so that what one throws makes it inconclusive; the results in the order in which they end. */
export async function resultsOf(
  checks: readonly Check<ApiserverSubject>[],
  subject: ApiserverSubject,
  { concurrency }: { readonly concurrency: number },
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const onResult = (result: CheckResult) => void results.push(result);
  await runChecks(checks, subject, { clock, signal: subject.signal, skipped: new Map(), concurrency, onStart() {}, onResult });
  return results;
}
