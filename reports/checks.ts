import { type CheckArea, type CheckResult, type CheckVerdict, checkAreas, type Evidence, type Result } from "../harness/run/schema.ts";
import { byReason, isFault } from "../harness/run/verdict.ts";
import type { Head, Table } from "./tables.ts";

/** How a verdict is written. */
export const verdictWords: Readonly<Record<CheckVerdict, string>> = {
  pass: "pass",
  fail: "FAIL",
  "not-applicable": "n/a",
  skipped: "skipped",
  inconclusive: "not judged",
};

/** Something that a reader has to look at. */
export interface Trouble {
  readonly verdict: "fail" | "inconclusive";
  /** Whether it makes the run a failure. */
  readonly isFault: boolean;
  /** One that failed; or all that could not be judged for one reason. */
  readonly checks: readonly [CheckResult, ...CheckResult[]];
  readonly evidence: readonly Evidence[];
}

/** The failures, then what could not be judged; of each the faults first. */
export function troublesOf({ checks, header }: Result): Trouble[] {
  const inOrder = byArea(checks).flatMap(([, ofArea]) => ofArea);
  return (["fail", "inconclusive"] as const).flatMap((verdict) =>
    [true, false].flatMap((wanted) => {
      const found = inOrder.filter((check) => check.verdict === verdict && isFault(check, header) === wanted);
      const groups = verdict === "fail" ? found.map((check) => [check]) : byReason(found);
      return groups.flatMap((group): Trouble[] => {
        const [first, ...rest] = group;
        return first === undefined
          ? []
          : [{ verdict, isFault: wanted, checks: [first, ...rest], evidence: group.flatMap(({ evidence }) => evidence) }];
      });
    }),
  );
}

const namesMax = 8;

/** `plugin/v2-uid-ignored (SHOULD)`; of many the first, and how many more. */
export function troubleName({ verdict, checks }: Trouble): string {
  const names = checks.slice(0, namesMax).map(({ id, level }) => `${id} (${level})`);
  const more = checks.length > namesMax ? ` and ${checks.length - namesMax} more` : "";
  return `${verdictWords[verdict]}: ${names.join(", ")}${more}`;
}

/** The checks of each area that has any: what did not pass first. */
export function byArea(checks: readonly CheckResult[]): [CheckArea, CheckResult[]][] {
  return checkAreas.flatMap((area) => {
    const ofArea = checks.filter((check) => check.area === area).toSorted((a, b) => rank(a) - rank(b) || byId(a, b));
    return ofArea.length === 0 ? [] : [[area, ofArea]];
  });
}

function rank({ verdict, level }: CheckResult): number {
  if (verdict !== "fail" && verdict !== "inconclusive") return 4;
  return (verdict === "fail" ? 0 : 2) + (level === "MUST" ? 0 : 1);
}

function byId(a: CheckResult, b: CheckResult): number {
  return a.id < b.id ? -1 : 1;
}

/** All checks, area by area; with a column of reasons where any has no answer. */
export function checkTable(checks: readonly CheckResult[]): Table {
  const hasReasons = checks.some(({ reason }) => reason !== null);
  const heads = ["verdict", "check", "level", "invariants", "what is true where it passes", ...(hasReasons ? ["why no answer"] : [])];
  return {
    first: "suite",
    heads: heads.map((title): Head => ({ title, holds: "words" })),
    groups: byArea(checks).map(([area, ofArea]) => ({
      name: area,
      rows: ofArea.map(({ id, verdict, level, invariants, title, reason }) => [
        ...[verdictWords[verdict], id, level, invariants.join(" "), title],
        ...(hasReasons ? [reason ?? ""] : []),
      ]),
    })),
  };
}
